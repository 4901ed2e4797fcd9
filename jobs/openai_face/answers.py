"""A job as OpenAI's API shows a video: plain functions from rows to JSON."""

from collections.abc import Sequence
from typing import Any

from jobs import answers, formats
from jobs.openai_face import sizes
from jobs.openai_face.errors import VariantNotMade, VideoExpired, VideoNotMade, VideoNotReady
from jobs.providers.base import FailureCode
from jobs.states import UNMADE, Status
from videos import links

WORDS = {
    Status.QUEUED: "queued",
    Status.STARTING: "in_progress",
    Status.PROCESSING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}
CANCELLED = {"code": "cancelled", "message": "Making this video was cancelled."}
CODES = {FailureCode.CONTENT_REJECTED: "moderation_blocked"}  # what is looked for by code that knows that API
VIDEO, THUMBNAIL, SPRITESHEET = VARIANTS = ("video", "thumbnail", "spritesheet")
FILES = {VIDEO: links.VIDEO, THUMBNAIL: links.POSTER}


def video(job: Any) -> dict[str, Any]:
    """Return the video object; the job's video has been read along."""
    return {
        "id": str(job.id),
        "object": "video",
        "model": job.model,
        "status": WORDS[Status(job.status)],
        "progress": int(job.progress * 100),
        "created_at": _unix(job.created_at),
        "completed_at": _unix(job.finished_at),
        "expires_at": _unix(job.expires_at) if job.status == Status.COMPLETED else None,
        "prompt": job.prompt,
        "seconds": f"{job.video.duration_seconds:g}" if job.video else str(formats.seconds(job.duration)),
        "size": _size(job),
        "remixed_from_video_id": None,
        "error": _error(job),
    }


def page(jobs: Sequence[Any], *, has_more: bool) -> dict[str, Any]:
    """Return one page of a list."""
    data = [video(job) for job in jobs]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more}


def deleted(job: Any) -> dict[str, Any]:
    """Return the answer to a deletion."""
    return {"id": str(job.id), "object": "video.deleted", "deleted": True}


def waiting(job: Any) -> dict[str, str]:
    """Return the headers that say when to ask again about an unfinished job; none for a finished one."""
    if job.is_finished:
        return {}
    seconds = answers.retry_after(job)
    return {"Retry-After": str(seconds), "openai-poll-after-ms": str(seconds * 1000)}


def file(job: Any, variant: str) -> str:
    """Return which file of the job's video this is (one of `videos.links`).

    Raise VideoNotReady, VideoNotMade, VideoExpired or VariantNotMade.
    """
    if not job.is_finished:
        raise VideoNotReady(job_status=job.status)
    if job.status in UNMADE:
        raise VideoNotMade
    if job.is_expired:
        raise VideoExpired
    if variant not in FILES:
        raise VariantNotMade
    return FILES[variant]


def _size(job: Any) -> str | None:
    """What was made, or will be; of a picture the shape is not known before it was looked at."""
    if job.video:
        return sizes.written(job.video.width, job.video.height)
    if job.aspect_ratio:
        return sizes.written(*formats.frame_size(job.resolution, job.aspect_ratio))
    return None


def _error(job: Any) -> dict[str, str] | None:
    if job.status == Status.CANCELLED:
        return CANCELLED
    if job.status != Status.FAILED:
        return None
    code = FailureCode.known(job.failure_code)
    return {"code": CODES.get(code, code.value), "message": str(code.label)}


def _unix(moment: Any) -> int | None:
    return int(moment.timestamp()) if moment else None
