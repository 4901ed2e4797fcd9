"""Example requests, answers and refusals of the jobs API, for the OpenAPI document."""

from typing import Any

from base.openapi import Refusal, invalid
from jobs import bodies
from jobs.errors import (
    IdempotencyInProgress,
    IdempotencyKeyReused,
    JobCancelled,
    JobNotCancellable,
    ResultExpired,
    TooManyActiveJobs,
    TooManyStreams,
    VideoDeleted,
)
from jobs.providers.base import FailureCode
from videos import examples

JOB_ID = "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77"
JOB_PATH = f"/videos/jobs/{JOB_ID}"
JOB = {"success": True, "job_id": JOB_ID}

GENERATE_SHORTEST = {"prompt": "A red fox runs through fresh snow at dawn"}
GENERATE_WHOLE = {
    "prompt": "A red fox runs through fresh snow at dawn",
    "duration": "medium",
    "resolution": "hd_720p",
    "aspect_ratio": "9:16",
    "reference_person": {
        "person_id": "p-381",
        "photo_url": "https://images.example.com/maria.jpg",
        "relationship": "sister",
        "description": "Tall, with short dark hair",
    },
    "camera_fixed": False,
    "metadata": {"album": "winter"},
    "model": "preview",
    "seed": 42,
}
ANIMATE = {
    "prompt": "Zoom in slowly",
    "image_url": "https://images.example.com/harbour.jpg",
    "duration": "short",
}
REHEARSAL = {"prompt": "A quiet sea [fail]", "model": "rehearsal", "resolution": "sd_480p"}

ACCEPTED = {
    **JOB,
    "status": "queued",
    "estimated_completion_seconds": 12,
    "message": "The job was accepted. Poll its status and fetch the result when it is completed.",
    "cost": 10,
    "balance": 90,
}


def info(step: str, *, position: int | None = None, remaining: int | None = None) -> dict[str, Any]:
    """Return the `generation_info` of a status."""
    return {
        "generation_type": "text_to_video",
        "current_step": step,
        "queue_position": position,
        "estimated_remaining_seconds": remaining,
        "model_used": "preview",
    }


QUEUED = {
    **JOB,
    "status": "queued",
    "progress": 0.0,
    "generation_info": info("Waiting in the queue", position=2, remaining=31),
    "cost": 10,
    "dust": "held",
    "created_at": "2026-01-31T12:00:00.120Z",
    "updated_at": "2026-01-31T12:00:00.120Z",
    "started_at": None,
    "completed_at": None,
    "expires_at": None,
}
PROCESSING = {
    **QUEUED,
    "status": "processing",
    "progress": 0.42,
    "generation_info": info("Drawing frame 50 of 120", remaining=6),
    "dust": "charged",
    "updated_at": "2026-01-31T12:00:09.480Z",
    "started_at": "2026-01-31T12:00:04.350Z",
}
CANCELLING = {**PROCESSING, "generation_info": info("cancelling", remaining=6)}
COMPLETED = {
    **PROCESSING,
    "status": "completed",
    "progress": 1.0,
    "generation_info": info("Done"),
    "updated_at": "2026-01-31T12:00:16.010Z",
    "completed_at": "2026-01-31T12:00:16.010Z",
    "expires_at": "2026-02-01T12:00:16.010Z",
}
FAILED = {
    **PROCESSING,
    "status": "failed",
    "generation_info": info("Failed"),
    "dust": "refunded",
    "completed_at": "2026-01-31T12:00:09.480Z",
    "error": FailureCode.PROVIDER_REJECTED.label,
    "error_code": "provider_rejected",
}
CANCELLED_STATUS = {
    **QUEUED,
    "status": "cancelled",
    "generation_info": info("Cancelled"),
    "dust": "released",
    "completed_at": "2026-01-31T12:00:03.700Z",
}
RESULT = {
    **JOB,
    "status": "completed",
    "video": examples.VIDEO,
    "generation_info": {"model_used": "preview", "generation_time_ms": 11660},
}
UNFINISHED = {**JOB, "status": "processing", "message": "The video is being made."}
CANCELLED = {
    **JOB,
    "status": "cancelled",
    "message": "The job was cancelled and 10 DUST released.",
    "released": 10,
}
ACTIVE = {
    "success": True,
    "active_jobs": [
        {
            "job_id": JOB_ID,
            "status": "processing",
            "progress": 0.42,
            "generation_type": "text_to_video",
            "prompt": GENERATE_SHORTEST["prompt"],
            "created_at": "2026-01-31T12:00:00.120Z",
            "estimated_completion_seconds": 6,
            "queue_position": None,
        }
    ],
    "count": 1,
}
LISTED = {
    "success": True,
    "jobs": [
        {
            **{name: value for name, value in COMPLETED.items() if name != "success"},
            "prompt": GENERATE_SHORTEST["prompt"],
            "duration": "short",
            "resolution": "hd_1080p",
            "aspect_ratio": "16:9",
            "camera_fixed": False,
            "seed": 1404183362,
            "metadata": {},
        }
    ],
    "pagination": {"total": 1, "limit": 20, "offset": 0, "has_more": False},
}
STATISTICS = {
    "is_running": True,
    "jobs_processed": 1204,
    "jobs_queued": 3,
    "jobs_in_progress": 2,
    "last_job_completed_at": "2026-01-31T11:59:58.300Z",
    "average_processing_time_seconds": 11.7,
    "workers": 1,
    "success_rate_24h": 0.9876,
    "models": [{"model": "preview", "jobs_24h": 161, "p50_seconds": 10.9, "p95_seconds": 22.4}],
}
MODEL = {
    "model": "preview",
    "title": "Preview (not AI)",
    "generation_types": ["text_to_video", "image_to_video"],
    "durations": ["short", "medium"],
    "resolutions": ["sd_480p", "hd_1080p"],
    "aspect_ratios": ["16:9", "9:16", "1:1"],
    "prices": {
        "text_to_video": {"sd_480p": {"short": 10, "medium": 10}, "hd_1080p": {"short": 10, "medium": 10}},
        "image_to_video": {"sd_480p": {"short": 8, "medium": 8}, "hd_1080p": {"short": 8, "medium": 8}},
    },
    "typical_seconds": 11,
    "cancellable_while_running": False,
}
QUOTE = {"cost": 10, "estimated_completion_seconds": 12, "available": 90}


def sentence(error: type[Exception]) -> str:
    """Return what this domain error tells the caller."""
    return (error.__doc__ or "").splitlines()[0]


INVALID_PROMPT = invalid("prompt", "This field is required.", "required")
INVALID_IMAGE_URL = invalid("image_url", "Enter an http or https URL.", "not_web")
INVALID_CHOICE = invalid("duration", '"endless" is not a valid choice.', "invalid_choice")
INSUFFICIENT_DUST = Refusal(
    status=402,
    code="insufficient_dust",
    when="Less DUST can be spent than this costs. No job was made.",
    message="This needs 10 DUST and 4 can be spent.",
    extra={"current_balance": 4, "required_amount": 10},
    body=bodies.InsufficientDustProblem,
)
ACCOUNT_FROZEN = Refusal(
    status=403,
    code="account_frozen",
    when="Support has frozen the caller's DUST.",
    message="This DUST account is frozen; please write to support.",
)
IDEMPOTENCY_IN_PROGRESS = Refusal(
    status=409,
    code="idempotency_in_progress",
    when="An equal request with this `Idempotency-Key` is still being worked on; send it again.",
    message=sentence(IdempotencyInProgress),
)
IDEMPOTENCY_KEY_REUSED = Refusal(
    status=422,
    code="idempotency_key_reused",
    when="This `Idempotency-Key` stands for another request of the last 24 hours.",
    message=sentence(IdempotencyKeyReused),
)
TOO_MANY_ACTIVE_JOBS = Refusal(
    status=429,
    code="too_many_active_jobs",
    when="The caller has as many unfinished jobs as is allowed (`limit`).",
    message=sentence(TooManyActiveJobs),
    extra={"limit": 20},
    body=bodies.TooManyRequestsProblem,
)
TOO_MANY_STREAMS = Refusal(
    status=429,
    code="rate_limited",
    when="The caller has as many streams and held answers open as is allowed (`limit`), or asks too often.",
    message=sentence(TooManyStreams),
    extra={"limit": 50},
    body=bodies.TooManyRequestsProblem,
)
NOT_CANCELLABLE = Refusal(
    status=409,
    code="job_not_cancellable",
    when="The job has ended, or was started and can't be stopped any more.",
    message=sentence(JobNotCancellable),
    extra={"job_status": "processing"},
    body=bodies.NotCancellableProblem,
)
JOB_FAILED = Refusal(
    status=409,
    code="job_failed",
    when="The job failed; `failure_code` says why, and the DUST is back.",
    message=FailureCode.PROVIDER_REJECTED.label,
    extra={
        "job_id": JOB_ID,
        "job_status": "failed",
        "failure_code": "provider_rejected",
        "dust": "refunded",
    },
    body=bodies.NoResultProblem,
)
JOB_CANCELLED = Refusal(
    status=409,
    code="job_cancelled",
    when="The job was cancelled.",
    message=sentence(JobCancelled),
    extra={"job_id": JOB_ID, "job_status": "cancelled"},
    body=bodies.NoResultProblem,
)
RESULT_EXPIRED = Refusal(
    status=410,
    code="result_expired",
    when="24 hours have passed. The video is still in the library.",
    message=sentence(ResultExpired),
    extra={"job_id": JOB_ID, "job_status": "completed", "expired_at": "2026-02-01T12:00:16.010Z"},
    body=bodies.ResultGoneProblem,
)
VIDEO_DELETED = Refusal(
    status=410,
    code="video_deleted",
    when="The user deleted the video.",
    message=sentence(VideoDeleted),
    extra={"job_id": JOB_ID, "job_status": "completed"},
    body=bodies.ResultGoneProblem,
)
