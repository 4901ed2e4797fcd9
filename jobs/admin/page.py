"""What the page of one job shows beside its own row, read in a fixed number of queries."""

import dataclasses
import datetime
import json
from typing import Any

from dust.models import Transfer
from jobs import formats, workers
from jobs.admin import wording
from jobs.models import Job
from videos import links

MOST_EVENTS = 500
MOST_JOBS = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline."""

    at: datetime.datetime
    since_submit: str
    what: str
    status: str
    attempt: int
    by: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """One movement of the job's DUST; `change` is what the user could spend more, or less, because of it."""

    at: datetime.datetime
    kind: str
    what: str
    amount: int
    change: str
    available_after: int


def context(job: Job) -> dict[str, Any]:
    """Return what the template needs to know of a job that has its user, account and video."""
    others = Job.objects.owned_by(job.user_id).exclude(id=job.id).seen_now().select_related("user")
    return {
        "job": job,
        "short_id": wording.short_id(job.id),
        "icon": wording.icon(job.status),
        "standing": wording.standing(job),
        "money": wording.money(job),
        "trouble": trouble(job),
        "owner": wording.owner(job),
        "account": getattr(job.user, "dust_account", None),
        "request_lines": request_lines(job),
        "metadata": _pretty(job.metadata),
        "reference_person": _pretty(job.reference_person),
        "timeline": timeline(job),
        "submissions": [(task, wording.cost(task)) for task in job.remote_tasks.order_by("id")],
        "money_lines": money_lines(job),
        "reruns": [_brief(other) for other in job.reruns.newest_first().seen_now()[:MOST_JOBS]],
        "others": [_brief(other) for other in others.newest_first()[:MOST_JOBS]],
        "technical": technical(job),
        **_files(job),
    }


def trouble(job: Job) -> str:
    """Return what keeps an unfinished job from getting on, "" if nothing does."""
    waits = not job.is_finished and not job.worker
    return wording.trouble(job) or (wording.unserved(job) if waits and not workers.serve(job.queue) else "")


def timeline(job: Job) -> list[Moment]:
    return [
        Moment(
            at=line.at,
            since_submit=wording.brief(line.at - job.created_at),
            what=wording.event(line),
            status=line.status,
            attempt=line.attempt,
            by=wording.actor(line),
            # the whole of a long error stands below, once
            message=line.message.partition("\n")[0] if line.message == job.failure_detail else line.message,
        )
        for line in job.events.order_by("id")[:MOST_EVENTS]
    ]


def money_lines(job: Job) -> list[MoneyLine]:
    return [
        MoneyLine(
            at=line.created_at,
            kind=line.kind,
            what=wording.transfer(line),
            amount=line.amount,
            change=f"{line.change:+d}" if line.change else "0",
            available_after=line.available_after,
        )
        for line in Transfer.objects.filter(job_id=job.id).order_by("seq")
    ]


def request_lines(job: Job) -> list[tuple[str, Any]]:
    """Return what was asked for, besides the words and the JSON."""
    return [
        ("Kind", job.generation_type.replace("_", " ")),
        ("Model", job.model),
        ("Length", f"{job.duration} ({formats.seconds(job.duration)} s)"),
        ("Resolution", job.resolution),
        ("Shape", job.aspect_ratio or "as the picture"),
        ("Camera", "fixed" if job.camera_fixed else "free"),
        ("Seed", job.seed),
        ("Price", f"{job.cost} DUST"),
    ]


def technical(job: Any) -> list[tuple[str, Any]]:
    """Return what a developer will ask support for."""
    return [
        ("Job id", job.id),
        ("Request id (X-Request-ID)", job.request_id),
        ("Attempt", job.attempt),
        ("Queue", job.queue),
        ("Worker", job.worker),
        ("Lease ends", job.lease_expires_at),
        ("Step", job.current_step),
        ("Progress", f"{job.progress:.1%}"),
        ("Expected work", f"{job.expected_seconds:.1f} s"),
        ("Working time", f"{job.generation_ms} ms" if job.generation_ms is not None else ""),
        ("Created", job.created_at),
        ("First started", job.started_at),
        ("Last claimed", job.claimed_at),
        ("Queue woken", job.woken_at),
        ("Queue deadline", job.deadline_at),
        ("Updated", job.updated_at),
        ("Cancel asked for", job.cancel_requested_at),
        ("Went on all the same", job.cancel_lapsed_at),
        ("Finished", job.finished_at),
        ("Result kept until", job.expires_at),
        ("Result cleared", job.cleared_at),
        ("Deleted by /v1/videos", job.hidden_at),
        ("Uploaded file", job.upload),
        ("Failure code", job.failure_code),
    ]


def _files(job: Job) -> dict[str, str]:
    if job.video is None:
        return {}
    found = {"video_url": links.video_url(job.video), "poster_url": links.poster_url(job.video)}
    # A foreign address is not shown as a picture: fetching it would tell its owner who looks.
    return found | ({"picture_url": links.source_url(job.video) or ""} if job.video.source_image else {})


def _brief(job: Any) -> dict[str, Any]:
    return {
        "job": job,
        "short_id": wording.short_id(job.id),
        "icon": wording.icon(job.status),
        "standing": wording.standing(job),
        "dust": wording.dust(job),
    }


def _pretty(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False) if value else ""
    return text.encode(
        errors="backslashreplace"
    ).decode()  # JSON may hold half a surrogate pair; a page may not
