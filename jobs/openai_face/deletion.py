"""What `DELETE /v1/videos/{id}` comes to: a cancel, or the end of a finished video."""

from django.db import transaction

from jobs import cancellation, upkeep
from jobs.errors import JobNotCancellable
from jobs.models import Job
from jobs.openai_face.errors import VideoInProgress, VideoStopping
from jobs.states import FINISHED
from videos import library


def delete(job: Job) -> None:
    """Cancel a queued job or delete a finished one's video, and show the job here no more.

    Raise VideoInProgress, VideoStopping if its provider is asked to stop first, or VideoNotFound if somebody
    else has deleted it at this moment.
    """
    if job.is_finished:
        _remove(job)
        return
    try:
        with transaction.atomic():
            is_over = cancellation.cancel(job)
            if is_over:
                upkeep.hide(job)
    except JobNotCancellable as error:
        status = error.extra["job_status"]
        if status not in FINISHED:
            raise VideoInProgress(job_status=status) from error
        job.refresh_from_db()  # it has ended at this moment
        _remove(job)
        return
    if not is_over:
        raise VideoStopping(job_status=job.status)


def _remove(job: Job) -> None:
    with transaction.atomic():
        upkeep.hide(job)
        if job.video:
            library.delete_on_commit(job.video)
