"""What a user's cancel comes to: a queued job's end, or a wish for a running one whose provider can stop."""

from django.conf import settings

from jobs import catalogue, lifecycle, remote_tasks
from jobs.catalogue import Model
from jobs.errors import JobNotCancellable
from jobs.models import Job


def cancel(job: Job) -> bool:
    """Cancel the job, or have its provider asked to stop. Return whether it is over, now or before.

    Raise JobNotCancellable. Doing it again changes nothing.
    """
    try:
        lifecycle.cancel(job)
    except JobNotCancellable:
        if not can_be_stopped(job):
            raise
        lifecycle.ask_to_cancel(job)
        return False
    return True


def can_be_stopped(job: Job) -> bool:
    """Return whether the installation allows it, and the model that makes the job, or is to make it, can."""
    task = remote_tasks.current(job) if settings.CANCEL_RUNNING else None
    model = catalogue.get(task.model if task else job.model)
    return model is not None and can_stop(model)


def can_stop(model: Model) -> bool:
    """Return whether the installation allows it, and this model's provider stops what it has begun."""
    return settings.CANCEL_RUNNING and model.remote is not None and model.adapter().cancels
