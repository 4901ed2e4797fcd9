"""One job of one user, with all that an answer needs: the statements of the poll and of the result."""

import uuid
from typing import Any

from django.db.models import UUIDField

from base.prepared import Place, Prepared
from jobs.models import Job

# no answer about a single job repeats these; read on demand, should anyone ask
_NOT_NEEDED = ("prompt", "metadata", "reference_person", "image_url", "failure_detail")
_JOBS = (
    Job.objects.filter(user_id=Place("user_id", UUIDField()), id=Place("job_id", UUIDField()))
    .seen_now()
    .with_queue_ahead()
    .defer(*_NOT_NEEDED)
)
_JOB = Prepared(_JOBS)
_JOB_WITH_VIDEO = Prepared(_JOBS.select_related("video"))


def job(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the user's job, annotated by `seen_now` and `with_queue_ahead`; None if it is not theirs."""
    return _JOB.first(job_id=job_id, user_id=user_id)


def job_with_video(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the same, its video read along."""
    return _JOB_WITH_VIDEO.first(job_id=job_id, user_id=user_id)
