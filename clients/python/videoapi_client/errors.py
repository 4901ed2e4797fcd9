"""What can go wrong: one class for each `error_code` of the API, and for what happens on the way to it."""

from typing import Any


class VideoApiError(Exception):
    """Everything that this package raises."""


class NetworkError(VideoApiError):
    """No answer came, in all tries. A submit sent again with its same key makes no second job."""


class UnexpectedAnswerError(VideoApiError):
    """What answered is not the API: a proxy's page, a redirect, something that is not JSON."""


class WaitTimeoutError(VideoApiError):
    """The job has not ended in the time given. It goes on."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} has not ended in the time given; it goes on.")
        self.job_id = job_id


class JobUnfinishedError(VideoApiError):
    """The result was asked for too early."""

    def __init__(self, job_id: str, job_status: str) -> None:
        super().__init__(f"Job {job_id} has not ended yet: it is {job_status}.")
        self.job_id, self.job_status = job_id, job_status


class WebhookVerificationError(VideoApiError):
    """This webhook is not from the API, not unchanged, or not fresh."""


class ApiError(VideoApiError):
    """The API said no. The message is a sentence to show; `code` is what to decide by.

    A code that this version does not know comes as plain ApiError. `problem` is the whole problem document,
    `retry_after` the seconds after which asking again is worth it, if the API said so.
    """

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None) -> None:
        super().__init__(str(problem.get("error") or f"The API answered {status}."))
        self.status, self.problem, self.retry_after = status, problem, retry_after
        self.code = str(problem.get("error_code", ""))
        self.request_id = str(problem.get("request_id", ""))

    @property
    def message(self) -> str:
        return str(self)


class InvalidRequestError(ApiError):
    @property
    def errors(self) -> list[dict[str, str]]:
        """What is wrong, by field; empty when the body is no JSON at all."""
        return list(self.problem.get("errors", []))


class NotAuthenticatedError(ApiError):
    pass


class PermissionDeniedError(ApiError):
    pass


class AccountFrozenError(ApiError):
    pass


class InsufficientDustError(ApiError):
    @property
    def current_balance(self) -> int:
        return int(self.problem["current_balance"])

    @property
    def required_amount(self) -> int:
        return int(self.problem["required_amount"])


class NotFoundError(ApiError):
    pass


class MethodNotAllowedError(ApiError):
    pass


class PayloadTooLargeError(ApiError):
    pass


class UnsupportedMediaTypeError(ApiError):
    pass


class JobNotCancellableError(ApiError):
    @property
    def job_status(self) -> str:
        return str(self.problem["job_status"])


class JobEndedError(ApiError):
    """A job whose result has no video."""

    @property
    def job_id(self) -> str:
        return str(self.problem["job_id"])


class JobFailedError(JobEndedError):
    """There is no video, and the DUST is back."""

    @property
    def failure_code(self) -> str:
        return str(self.problem["failure_code"])

    @property
    def dust(self) -> str:
        return str(self.problem["dust"])


class JobCancelledError(JobEndedError):
    pass


class ResultExpiredError(JobEndedError):
    @property
    def expired_at(self) -> str:
        return str(self.problem["expired_at"])


class VideoDeletedError(JobEndedError):
    pass


class IdempotencyInProgressError(ApiError):
    pass


class IdempotencyKeyReusedError(ApiError):
    pass


class PreconditionFailedError(ApiError):
    pass


class RangeNotSatisfiableError(ApiError):
    pass


class RateLimitedError(ApiError):
    pass


class TooManyActiveJobsError(ApiError):
    @property
    def limit(self) -> int:
        """How many unfinished jobs one user may have."""
        return int(self.problem["limit"])


class TooManyWebhooksError(ApiError):
    """Delete a webhook first."""


class WebhookDisabledError(ApiError):
    """Enable the webhook first."""


class DeliveryPendingError(ApiError):
    """A delivery that is still being tried can't be sent again."""


class InternalServerError(ApiError):
    pass


class UnavailableError(ApiError):
    pass


CLASSES: dict[str, type[ApiError]] = {
    "account_frozen": AccountFrozenError,
    "delivery_pending": DeliveryPendingError,
    "idempotency_in_progress": IdempotencyInProgressError,
    "idempotency_key_reused": IdempotencyKeyReusedError,
    "insufficient_dust": InsufficientDustError,
    "internal_error": InternalServerError,
    "invalid_request": InvalidRequestError,
    "job_cancelled": JobCancelledError,
    "job_failed": JobFailedError,
    "job_not_cancellable": JobNotCancellableError,
    "method_not_allowed": MethodNotAllowedError,
    "not_authenticated": NotAuthenticatedError,
    "not_found": NotFoundError,
    "payload_too_large": PayloadTooLargeError,
    "permission_denied": PermissionDeniedError,
    "precondition_failed": PreconditionFailedError,
    "range_not_satisfiable": RangeNotSatisfiableError,
    "rate_limited": RateLimitedError,
    "result_expired": ResultExpiredError,
    "too_many_active_jobs": TooManyActiveJobsError,
    "too_many_webhooks": TooManyWebhooksError,
    "unavailable": UnavailableError,
    "unsupported_media_type": UnsupportedMediaTypeError,
    "video_deleted": VideoDeletedError,
    "webhook_disabled": WebhookDisabledError,
}


def error_of(status: int, problem: dict[str, Any], retry_after: float | None = None) -> ApiError:
    """Return the error for an answer that says no."""
    kind = CLASSES.get(str(problem.get("error_code", "")), ApiError)
    return kind(status, problem, retry_after)


def end_of(job: Any) -> ApiError | None:
    """Return the error of a job that ended without a video, as its result would say it, else None."""
    facts = {"job_id": job["job_id"], "job_status": job["status"], "dust": job["dust"]}
    if job["status"] == "failed":
        why = {"error": job.get("error", ""), "failure_code": job.get("error_code", "")}
        return error_of(409, {**facts, **why, "error_code": "job_failed"})
    if job["status"] == "cancelled":
        return error_of(409, {**facts, "error": "The job was cancelled.", "error_code": "job_cancelled"})
    return None
