"""Where a job stands and what became of its DUST, in words for support staff: plain functions of the row.

A `job` here comes from `Job.objects.seen_now()`, with its user.
"""

import datetime
from decimal import Decimal
from typing import Any

from dust.models import NOTES, Kind, Transfer
from jobs.models import Job, JobEvent, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.exchange import MILLION
from jobs.states import Dust, Status

UNITS = (("day", "d", 86_400), ("hour", "h", 3600), ("minute", "min", 60), ("second", "s", 1))
VERBS = {
    "submit": "Submitted",
    "claim": "Taken by a worker",
    "fall_back": "Offered to another model",
    "accept": "Taken by the model",
    "complete": "Completed",
    "fail": "Failed",
    "cancel": "Cancelled",
    "ask_to_cancel": "Cancel asked for",
    "stop": "Cancelled, as asked for",
    "go_on": "Not cancelled, goes on",
    "reap": "Taken from a silent worker",
    "hand_back": "Handed back by its worker",
    "requeue": "Workers told again",
    "release": "Given back by its worker",
    "expire": "Result time over",
    "hide": "Deleted by /v1/videos",
    "review": "Looked up at the provider",
    "withdraw": "Provider asked to cancel",
    "news": "Heard from the provider afterwards",
}
CENT = 10_000  # in millionths
USERS_OWN = ("submit", "cancel", "ask_to_cancel", "hide")  # done by the user, unless staff's name is with it
ICONS = {
    Status.QUEUED: "◔",
    Status.STARTING: "▷",
    Status.PROCESSING: "▶",
    Status.COMPLETED: "✓",
    Status.FAILED: "✗",
    Status.CANCELLED: "⊘",
}


def short_id(job_id: Any) -> str:
    """Return the beginning of an id: the millisecond it was made in, enough to find it by."""
    return str(job_id)[:13]


def owner(job: Job) -> str:
    return job.user.email or job.user.get_username()


def icon(status: str) -> str:
    """Return a sign that tells statuses apart without their colours."""
    return ICONS[Status(status)]


def span(length: datetime.timedelta) -> str:
    """Return a length of time in its largest unit: "5 minutes"."""
    seconds = max(0, int(length.total_seconds()))
    name, _, size = next((unit for unit in UNITS if seconds >= unit[-1]), UNITS[-1])
    number = seconds // size
    return f"{number} {name}{'' if number == 1 else 's'}"


def brief(length: datetime.timedelta) -> str:
    """Return a length of time in its two largest units, for a column: "5 min 3 s"."""
    seconds = max(0, round(length.total_seconds()))
    parts = []
    for _, short, size in UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {short}")
    return " ".join(parts[:2]) or "0 s"


def is_stalled(job: Any) -> bool:
    """Return whether the worker that holds the job has not renewed its lease."""
    return bool(job.worker and job.lease_expires_at and job.lease_expires_at < job.now)


def is_overdue(job: Any) -> bool:
    """Return whether the job has waited past its deadline."""
    return bool(job.status == Status.QUEUED and job.deadline_at < job.now)


def standing(job: Any) -> str:
    """Return where the job stands, in a sentence without its end."""
    if job.status == Status.COMPLETED:
        took = brief(datetime.timedelta(milliseconds=job.generation_ms or 0))
        return f"Completed {span(job.now - job.finished_at)} ago, made in {took}"
    if job.is_finished:
        return f"{Status(job.status).label} {span(job.now - job.finished_at)} ago"
    if job.status == Status.QUEUED:
        return f"Waiting in the queue for {span(job.now - job.created_at)}"
    if job.is_unwanted:
        return f"Being cancelled, as its user asked {span(job.now - job.cancel_requested_at)} ago"
    if not job.worker:
        tries = f", after {_tries(job.attempt - 1)}" if job.attempt > 1 else ""
        return f"{job.current_step}{tries}"
    since = span(job.now - (job.claimed_at or job.created_at))
    return f"{Status(job.status).label} for {since}, {job.progress:.0%} done"


def money(job: Job) -> str:
    """Return what became of the job's DUST, in a sentence without its beginning and end."""
    if not job.cost:
        return "it is free"
    were = f"{job.cost} DUST {'was' if job.cost == 1 else 'were'}"
    if job.status == Status.QUEUED:
        return f"{job.cost} DUST {'is' if job.cost == 1 else 'are'} held for it from {owner(job)}"
    if job.dust == Dust.REFUNDED and job.was_started:
        return f"{were} refunded to {owner(job)}"
    if job.status in (Status.FAILED, Status.CANCELLED):
        return f"{were} held and went back to {owner(job)}"
    return f"{were} charged to {owner(job)}"


def trouble(job: Any) -> str:
    """Return what keeps an unfinished job from getting on, "" if nothing does."""
    if is_stalled(job):
        late = span(job.now - job.lease_expires_at)
        return (
            f"Its worker fell silent, and its time ran out {late} ago. "
            "The job will be tried again by itself, or failed and refunded."
        )
    if is_overdue(job):
        return "It has waited past its deadline. It will be failed, and the DUST held for it given back."
    return ""


def unserved(job: Job) -> str:
    """Return what to say of a job that waits in a queue without workers."""
    return (
        f"No worker serves the queue \u201c{job.queue}\u201d right now. The job waits until one is started: "
        f"manage.py worker --queue {job.queue}=1"
    )


def dust(job: Job) -> str:
    """Return what became of the job's DUST, for a column: "10 refunded"."""
    if not job.cost:
        return "free"
    never_charged = job.status == Status.FAILED and not job.was_started
    return f"{job.cost} {'released' if never_charged else job.dust.value}"


def time_taken(job: Any) -> str:
    """Return how long the job has waited, works, or took from submit to end, for a column."""
    if job.status == Status.QUEUED:
        return f"waiting {brief(job.now - job.created_at)}"
    if not job.is_finished:
        return f"{brief(job.now - job.created_at)} so far, {job.progress:.0%}"
    return brief(job.finished_at - job.created_at)


def failure(job: Job) -> str:
    """Return why the job failed, as its user was told, without the advice that follows."""
    sentence = FailureCode.known(job.failure_code).label if job.failure_code else ""
    return sentence.partition(". ")[0].rstrip(".")


def too_late(job: Any) -> str:
    """Return why what somebody wanted of the job does not fit it any more."""
    if job.is_finished:
        return f"Nothing was done: this job was already {job.status}, {span(job.now - job.finished_at)} ago."
    return f"Nothing was done: this job is {job.status} now."


def event(line: JobEvent) -> str:
    return VERBS.get(line.verb, line.verb)


def actor(line: JobEvent) -> str:
    return line.actor or ("the user" if line.verb in USERS_OWN else "the system")


def transfer(line: Transfer) -> str:
    return NOTES[Kind(line.kind)]


def cost(task: RemoteTask) -> str:
    """Return what the operator pays for a submission: "0.40 USD (by our table)"."""
    if task.cost_micros is None:
        return ""
    source = "" if task.is_cost_reported else " (by our table)"
    return f"{amount(task.cost_micros, task.currency)}{source}"


def amount(micros: int, currency: str) -> str:
    """Return "0.40 USD"; what would round to nothing has more places."""
    places = 4 if 0 < abs(micros) < CENT else 2
    return f"{Decimal(micros) / MILLION:,.{places}f} {currency}"


def _tries(number: int) -> str:
    return f"{number} {'try' if number == 1 else 'tries'}"
