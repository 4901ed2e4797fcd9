"""One job of one user, with all that an answer needs: the statements of the poll and of the result."""

import uuid
from typing import Any

from django.db.models import Exists, OuterRef, UUIDField

from base.prepared import Place, Prepared
from jobs.models import Job, Unanswered

# no answer about a single job repeats these; read on demand, should anyone ask
_NOT_NEEDED = ("prompt", "metadata", "reference_person", "image_url", "webhook_url", "failure_detail")
_IS_UNANSWERED = Exists(Unanswered.objects.filter(job_id=OuterRef("id")))
_JOBS = (
    Job.objects.filter(user_id=Place("user_id", UUIDField()), id=Place("job_id", UUIDField()))
    .seen_now()
    .with_queue_ahead()
    .annotate(is_unanswered=_IS_UNANSWERED)
    .defer(*_NOT_NEEDED)
)
_JOB = Prepared(_JOBS)
_JOB_WITH_VIDEO = Prepared(_JOBS.select_related("video"))
_WHOLE = _JOBS.defer(None).select_related("video")
_MADE = Prepared(_WHOLE)
_SHOWN = Prepared(_WHOLE.shown())


def job(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the user's job, None if it is not theirs.

    It is annotated by `seen_now`, `with_queue_ahead` and `is_unanswered`, which `resends.answered` reads.
    """
    return _JOB.first(job_id=job_id, user_id=user_id)


def job_with_video(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the same, its video read along."""
    return _JOB_WITH_VIDEO.first(job_id=job_id, user_id=user_id)


def made(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the same with nothing left to be read on demand."""
    return _MADE.first(job_id=job_id, user_id=user_id)


def shown(job_id: uuid.UUID, *, user_id: uuid.UUID) -> Any:
    """Return the same as `/v1/videos` has it: None also if it has been deleted."""
    return _SHOWN.first(job_id=job_id, user_id=user_id)


def shown_page(user_id: uuid.UUID, *, limit: int, order: str, after: uuid.UUID | None = None) -> list[Any]:
    """Return the user's jobs as `/v1/videos` lists them, one more than `limit` if there are more.

    Ids are in the order of creation: the one that a page begins `after` may be anything, and tells nothing.
    """
    jobs = Job.objects.owned_by(user_id).shown().select_related("video")
    if order == "asc":
        jobs = (jobs.filter(id__gt=after) if after else jobs).oldest_first()
    else:
        jobs = (jobs.filter(id__lt=after) if after else jobs).newest_first()
    return list(jobs[: limit + 1])
