"""Example requests, answers and refusals of `/v1/videos`, for the OpenAPI document."""

from typing import Any

from base.openapi import Refusal, invalid
from jobs.examples import GENERATE_SHORTEST, JOB_ID, sentence
from jobs.openai_face import errors
from jobs.providers.base import FailureCode

PATH = "/v1/videos"
VIDEO_PATH = f"{PATH}/{JOB_ID}"
SHORTEST = {"prompt": GENERATE_SHORTEST["prompt"]}
WHOLE = {**SHORTEST, "model": "preview", "seconds": "10", "size": "1280x720", "seed": 42}
WITH_A_PICTURE = {
    "prompt": "Zoom in slowly",
    "input_reference": {"image_url": "https://images.example.com/harbour.jpg"},
}
QUEUED: dict[str, Any] = {
    "id": JOB_ID,
    "object": "video",
    "model": "preview",
    "status": "queued",
    "progress": 0,
    "created_at": 1769860800,
    "completed_at": None,
    "expires_at": None,
    "prompt": SHORTEST["prompt"],
    "seconds": "5",
    "size": "720x1280",
    "remixed_from_video_id": None,
    "error": None,
}
IN_PROGRESS = {**QUEUED, "status": "in_progress", "progress": 42}
COMPLETED = {
    **QUEUED,
    "status": "completed",
    "progress": 100,
    "completed_at": 1769860816,
    "expires_at": 1769947216,
}
FAILED = {
    **IN_PROGRESS,
    "status": "failed",
    "completed_at": 1769860809,
    "error": {"code": "moderation_blocked", "message": FailureCode.CONTENT_REJECTED.label},
}
LIST = {"object": "list", "data": [COMPLETED], "first_id": JOB_ID, "last_id": JOB_ID, "has_more": True}
DELETED = {"id": JOB_ID, "object": "video.deleted", "deleted": True}


def _refusal(error: type[Exception], status: int, when: str) -> Refusal:
    return Refusal(status=status, code=error.code, when=when, message=sentence(error))  # type: ignore[attr-defined]


INVALID_SECONDS = invalid("seconds", "Must be one of: 5, 10, 15.", "invalid_choice")
INVALID_VARIANT = invalid("variant", '"gif" is not a valid choice.', "invalid_choice")
NOT_FOUND = Refusal(
    status=404,
    code="not_found",
    when="There is no such video, it was deleted, or it is somebody else's.",
    message="There is no such video.",
)
NOT_READY = _refusal(errors.VideoNotReady, 404, "It is not made yet.")
NOT_MADE = _refusal(errors.VideoNotMade, 404, "It failed, or was cancelled.")
EXPIRED = _refusal(errors.VideoExpired, 404, "`expires_at` has passed.")
NO_SUCH_VARIANT = _refusal(errors.VariantNotMade, 404, "The variant `spritesheet`.")
IN_THE_MAKING = _refusal(errors.VideoInProgress, 409, "It is being made, and can't be stopped.")
STOPPING = _refusal(
    errors.VideoStopping, 409, "It is being made; its provider was asked to stop. Delete it again later."
)
