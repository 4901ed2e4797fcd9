"""What clients are told about jobs: plain functions from rows to JSON."""

import dataclasses
import hashlib
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags

from jobs import cancellation, catalogue, estimates, pricing, upstreams
from jobs.catalogue import Model
from jobs.errors import JobCancelled, JobFailed, ResultExpired, VideoDeleted
from jobs.formats import Duration, Resolution
from jobs.models import Job
from jobs.providers.base import FailureCode
from jobs.states import Status
from jobs.submission import Quote, Receipt
from videos import serializers

POLL_SECONDS = 5
CANCELLING = "cancelling"
WAITING = {
    Status.QUEUED: "The job is waiting in the queue.",
    Status.STARTING: "The job is starting.",
    Status.PROCESSING: "The video is being made.",
}


def receipt(found: Receipt) -> dict[str, Any]:
    """Return the answer to a submit."""
    return {
        "success": True,
        "job_id": found.job_id,
        "status": Status.QUEUED.value,
        "estimated_completion_seconds": found.estimated_completion_seconds,
        "message": "The job was accepted. Poll its status and fetch the result when it is completed.",
        "cost": found.cost,
        "balance": found.balance,
    }


def status(job: Any) -> dict[str, Any]:
    """Return a job's status; it comes from `seen_now().with_queue_ahead()`."""
    body = {
        "success": True,
        "job_id": str(job.id),
        "status": job.status,
        "progress": round(job.progress, 4),
        "generation_info": {
            "generation_type": job.generation_type,
            "current_step": current_step(job),
            "queue_position": queue_position(job),
            "estimated_remaining_seconds": estimates.remaining(job),
            "model_used": job.made_by or job.model,
        },
        "cost": job.cost,
        "dust": job.dust.value,
        "created_at": time(job.created_at),
        "updated_at": time(job.updated_at),
        "started_at": time(job.started_at),
        "completed_at": time(job.finished_at),
        "expires_at": time(job.expires_at) if job.status == Status.COMPLETED else None,
    }
    if job.status == Status.FAILED:
        code = FailureCode.known(job.failure_code)
        body |= {"error": code.label, "error_code": code.value}
    return body


def listed(job: Any) -> dict[str, Any]:
    """Return a job as `GET /videos/jobs` lists it: its status, and what was asked for."""
    body = status(job)
    del body["success"]
    asked = ("prompt", "duration", "resolution", "aspect_ratio", "camera_fixed", "seed", "metadata")
    return {**body, **{name: getattr(job, name) for name in asked}}


def active(job: Any) -> dict[str, Any]:
    """Return a job as `GET /videos/jobs/active` lists it."""
    return {
        "job_id": str(job.id),
        "status": job.status,
        "progress": round(job.progress, 4),
        "generation_type": job.generation_type,
        "prompt": job.prompt,
        "created_at": time(job.created_at),
        "estimated_completion_seconds": estimates.remaining(job),
        "queue_position": queue_position(job),
    }


def unfinished(job: Any) -> dict[str, Any]:
    """Return the 202 for a result that is not there yet."""
    return {
        "success": True,
        "job_id": str(job.id),
        "status": job.status,
        "message": WAITING[Status(job.status)],
    }


def result(job: Any, request: HttpRequest) -> dict[str, Any]:
    """Return a finished job's result. Raise JobFailed, JobCancelled, ResultExpired or VideoDeleted."""
    facts = {"job_id": str(job.id), "job_status": job.status}
    if job.status == Status.FAILED:
        code = FailureCode.known(job.failure_code)
        raise JobFailed(str(code.label), **facts, failure_code=code.value, dust=job.dust.value)
    if job.status == Status.CANCELLED:
        raise JobCancelled(**facts)
    if job.video is None:
        raise VideoDeleted(**facts)
    if job.is_expired:
        raise ResultExpired(**facts, expired_at=time(job.expires_at))
    return {
        "success": True,
        "job_id": str(job.id),
        "status": job.status,
        "video": serializers.video(job.video, request),
        "generation_info": {"model_used": job.made_by or job.model, "generation_time_ms": job.generation_ms},
    }


def cancelled(job: Job) -> dict[str, Any]:
    """Return the answer to a cancellation that is done."""
    return {
        "success": True,
        "job_id": str(job.id),
        "status": job.status,
        "message": f"The job was cancelled and {job.cost} DUST {job.dust.value}.",
        "released": job.cost,
    }


def model(entry: Model) -> dict[str, Any]:
    """Return a model as `GET /videos/models` lists it; prices by type, resolution and duration."""
    prices = {
        kind: {
            resolution: {
                duration: pricing.cost(
                    generation_type=kind, model=entry.alias, resolution=resolution, duration=duration
                )
                for duration in entry.durations
            }
            for resolution in entry.resolutions
        }
        for kind in entry.generation_types
    }
    return {
        "model": entry.alias,
        "title": entry.title,
        "generation_types": entry.generation_types,
        "durations": entry.durations,
        "resolutions": entry.resolutions,
        "aspect_ratios": entry.aspect_ratios,
        "prices": prices,
        "typical_seconds": _typical_seconds(entry),
        "cancellable_while_running": cancellation.can_stop(entry),
    }


def quote(found: Quote) -> dict[str, int]:
    """Return the answer to a quote."""
    return dataclasses.asdict(found)


def statistics(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return the installation's numbers."""
    return {**numbers, "last_job_completed_at": time(numbers["last_job_completed_at"])}


def _typical_seconds(entry: Model) -> int:
    """Return the seconds for the plainest request this model can do."""
    usual = {"resolution": Resolution.FULL_HD.value, "duration": Duration.SHORT.value}
    resolution = usual["resolution"] if usual["resolution"] in entry.resolutions else entry.resolutions[0]
    duration = usual["duration"] if usual["duration"] in entry.durations else entry.durations[0]
    kind = entry.generation_types[0]
    return estimates.whole(
        estimates.expected_seconds(entry, generation_type=kind, resolution=resolution, duration=duration)
    )


def current_step(job: Any) -> str:
    """Return what is being done: that it is to be cancelled, and that its provider takes nothing now, too."""
    if job.is_unwanted and not job.is_finished:
        return CANCELLING
    if job.status == Status.QUEUED and (model := catalogue.get(job.model)) and upstreams.is_down(model):
        return upstreams.DOWN
    return str(job.current_step)


def queue_position(job: Any) -> int | None:
    """Return how many queued jobs will run before this one; None once it has been started."""
    return int(job.ahead) if job.status == Status.QUEUED else None


def retry_after(job: Any) -> int:
    """Return after how many seconds asking again is worth it."""
    return min(POLL_SECONDS, estimates.remaining(job) or POLL_SECONDS)


def look(job: Any) -> tuple[Any, ...]:
    """Return what of a status is news to a person; the time remaining alone is not."""
    return job.status, job.attempt, job.progress, current_step(job), job.ahead


def etag(job: Any) -> str:
    """Return a weak tag of what the status says, but for the time remaining."""
    news = (*look(job), job.updated_at.isoformat())
    return f'W/"{hashlib.sha256(repr(news).encode()).hexdigest()[:24]}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Return whether the client has this answer; compared weakly, as RFC 9110 (13.1.2) says."""
    given = parse_etags(if_none_match)
    return given == ["*"] or tag.removeprefix("W/") in {known.removeprefix("W/") for known in given}


def time(moment: Any) -> str | None:
    """Return RFC 3339 in UTC with `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
