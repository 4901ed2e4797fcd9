"""What is done to a job while its status stays as it is: holding on to it, waking it, clearing it away."""

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from jobs import clock, queue, timeline
from jobs.errors import JobLost
from jobs.models import Job
from jobs.states import Status


def keep(job: Job) -> None:
    """Hold on to the job until the caller's transaction ends. Raise JobLost if it is another's by now."""
    if not list(Job.objects.held(job).select_for_update(no_key=True).values_list("id")):
        raise JobLost


def renew(held: Sequence[Job], *, worker: str) -> set[uuid.UUID]:
    """Renew the leases of many jobs in one statement; return those that the worker has lost."""
    ids = [job.id for job in held]
    ours = Job.objects.running().filter(worker=worker, id__in=ids)
    attempts = dict(ours.values_list("id", "attempt"))
    kept = {job.id for job in held if attempts.get(job.id) == job.attempt}
    ours.filter(id__in=kept).update(lease_expires_at=clock.lease())
    return set(ids) - kept


def unwanted(worker: str) -> set[uuid.UUID]:
    """Return which jobs of a worker are to be cancelled, if they can be."""
    return set(Job.objects.unwanted().filter(worker=worker).values_list("id", flat=True))


def rewake(job: Job) -> bool:
    """Send the queue message of an overlooked job again. Return whether it still was overlooked."""
    with transaction.atomic():
        if not Job.objects.overlooked(settings.REQUEUE_AFTER).filter(id=job.id).update(woken_at=Now()):
            return False
        timeline.tell(job, "requeue", message="Its queue message was lost; sent again.")
        queue.wake(job.id, queue=job.queue)
    return True


def hide(job: Job) -> None:
    """Note, in the caller's transaction, that a finished job's user wants it no more at `/v1/videos`."""
    if Job.objects.finished().filter(id=job.id, hidden_at=None).update(hidden_at=Now()):
        timeline.tell(job, "hide")


def expire(job: Job) -> bool:
    """Note that the result is no longer kept. Return whether that was news; the caller removes the upload."""
    with transaction.atomic():
        if not Job.objects.expired().filter(id=job.id).update(cleared_at=Now(), upload=""):
            return False
        if job.status == Status.COMPLETED:
            timeline.tell(job, "expire", message="The result time is over. The video stays in the library.")
    return True
