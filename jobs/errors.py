"""What a caller of the jobs domain can be told."""

from base.errors import DomainError


class JobNotCancellable(DomainError):
    """Only a job that is still queued can be cancelled."""

    code = "job_not_cancellable"


class JobFailed(DomainError):
    """This job failed, so there is no video."""

    code = "job_failed"


class JobCancelled(DomainError):
    """This job was cancelled, so there is no video."""

    code = "job_cancelled"


class ResultExpired(DomainError):
    """The result of this job is no longer kept. The video is still in the library."""

    code = "result_expired"


class VideoDeleted(DomainError):
    """The video of this job was deleted."""

    code = "video_deleted"


class TooManyActiveJobs(DomainError):
    """You have as many unfinished jobs as is allowed. Wait for one to finish, or cancel a queued one."""

    code = "too_many_active_jobs"


class TooManyStreams(DomainError):
    """You have as many event streams and waiting requests open as is allowed. Close one first."""

    code = "rate_limited"


class IdempotencyKeyReused(DomainError):
    """This Idempotency-Key was already used for another request. Use a new key."""

    code = "idempotency_key_reused"


class IdempotencyInProgress(DomainError):
    """A request with this Idempotency-Key is still being worked on. Try again shortly."""

    code = "idempotency_in_progress"


class StorageAway(DomainError):
    """The picture could not be stored right now. Nothing was charged; please try again shortly."""

    code = "unavailable"


class InvalidOrder(DomainError):
    """The model cannot do this."""

    code = "invalid_request"


class JobLost(Exception):
    """The job moved on without this worker: its lease ran out, or staff ended it. Drop the work."""
