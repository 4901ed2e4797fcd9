"""The writer of submissions to providers; `lifecycle` alone closes them, with their job. Each verb is one
transaction.

What a provider has said is noted whoever holds the job by then: an id that was paid for is never thrown away.
What moves the job goes through `lifecycle`, with its fence, in the same transaction.
"""

import contextlib
import datetime
import uuid
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs import clock, lifecycle, timeline, upkeep, upstreams
from jobs.models import Job, RemoteState, RemoteTask
from jobs.models.remote import RemoteTaskQuerySet
from jobs.providers.base import FailureCode
from jobs.providers.remote import Cost, Handle, NotMade, Refused, Route, Taken

LOOKS = 13  # at a submission that was given up: the last one is 17 hours after the first
FIRST_PAUSE = datetime.timedelta(seconds=15)
NOTHING_TO_LOOK_UP: dict[str, Any] = {"needs_review": False, "look_at": None}


class AccountFull(Exception):
    """Nothing more may be submitted to this account now."""


class _Changed(Exception):
    """More is known by now than the caller goes by."""


class Unwanted(Exception):
    """The job's user has asked for a cancel: it must not be submitted any more."""


def current(job: Job) -> RemoteTask | None:
    """Return the submission of this job that may have been taken, if there is one."""
    return RemoteTask.objects.maybe_taken().filter(job_id=job.id).first()


def refusals(job: Job) -> int:
    """Return how often the job was refused so far."""
    return RemoteTask.objects.filter(job_id=job.id, state=RemoteState.REFUSED).count()


def final_refusals(job: Job) -> list[RemoteTask]:
    """Return the submissions that were not taken, for certain and for good, the first one first."""
    refused = RemoteTask.objects.filter(job_id=job.id, state=RemoteState.REFUSED, is_final=True)
    return list(refused.order_by("id"))


def handle(task: RemoteTask) -> Handle:
    return Handle(key=task.key, remote_id=task.remote_id, urls=task.urls)


def intend(job: Job, route: Route, *, key: uuid.UUID, in_flight: int) -> RemoteTask:
    """Note that the job is about to be submitted; commit before the request leaves.

    Doing it again with the same key, because the answer to the commit was lost, changes nothing. Raise
    JobLost, Unwanted, or AccountFull if `in_flight` submissions of the account are open or it takes nothing
    now.
    """
    with transaction.atomic():
        upkeep.keep(job)  # nobody can ask for a cancel now, until this is committed
        known = RemoteTask.objects.filter(key=key).first()
        if not Job.objects.unwanted().filter(id=job.id).exists():
            return known or _intended(job, route, key=key, in_flight=in_flight)
        if known:
            refused(known, Refused(FailureCode.PROVIDER_UNAVAILABLE, "Cancelled before it was sent."))
    raise Unwanted


def _intended(job: Job, route: Route, *, key: uuid.UUID, in_flight: int) -> RemoteTask:
    # Not exact among many at once: a limit that is passed by one or two is the provider's to enforce.
    limits = dict.fromkeys(upstreams.names(route.account, route.alias), in_flight)
    if not min(upstreams.rooms_within(limits).values()):
        raise AccountFull
    if route.alias != job.model:
        timeline.tell(job, "fall_back", message=f"{job.model} has not taken it; offered to {route.alias}")
    return RemoteTask.objects.create(job_id=job.id, key=key, model=route.alias, account=route.account)


def taken(task: RemoteTask, said: Taken) -> bool:
    """Note the provider's id. Return whether that was news."""
    waiting = (RemoteState.INTENDED, RemoteState.UNKNOWN)
    changes = {"remote_id": said.remote_id, "urls": dict(said.urls), "taken_at": Now()}
    return _move(task, waiting, RemoteState.TAKEN, news=f"has taken it, as {said.remote_id}", **changes)


def refused(task: RemoteTask, why: Refused) -> bool:
    """Note that the provider has not taken it. Return whether that was news."""
    changes = {"detail": why.detail, "failure_code": why.code, "is_final": not why.again}
    changes |= {"closed_at": Now(), **NOTHING_TO_LOOK_UP}
    news = f"has certainly not taken it: {why.detail}"
    return _move(task, (RemoteState.INTENDED, RemoteState.UNKNOWN), RemoteState.REFUSED, news=news, **changes)


def unknown(task: RemoteTask, detail: str) -> bool:
    """Note that no reply came. Return whether that was news."""
    return _move(task, (RemoteState.INTENDED,), RemoteState.UNKNOWN, detail=detail)


def made(task: RemoteTask, cost: Cost | None, *, is_reported: bool) -> bool:
    """Note that the provider has the video. Return whether that was news."""
    changes = {"look_at": None, **_cost(cost, is_reported=is_reported)}
    news = "has made the video all the same; nothing is charged for it"
    return _move(task, (RemoteState.TAKEN,), RemoteState.MADE, news=news, **changes)


def not_made(job: Job, task: RemoteTask, why: NotMade) -> None:
    """Note that the provider has ended it without a video, and end the job with it: cancelled if its user has
    asked for that and the provider says so, else failed. Raise JobLost.
    """
    detail = f"{task.model}: {why.detail}"
    with transaction.atomic():
        if not (why.is_cancelled and lifecycle.stop(job, detail=detail)):
            lifecycle.fail(job, code=why.code, detail=detail)
        changes = {"detail": why.detail, **NOTHING_TO_LOOK_UP, **_cost(why.cost, is_reported=True)}
        _move(task, (RemoteState.TAKEN, RemoteState.MADE), RemoteState.NOT_MADE, **changes)


def ended_late(task: RemoteTask, why: NotMade) -> bool:
    """Note the same of a job that was given up before. Return whether that was news.

    Staff need not look it up any more if the provider says that it cost nothing.
    """
    was_free = why.cost is not None and not why.cost.micros
    changes = {"detail": why.detail, "look_at": None, **_cost(why.cost, is_reported=True)}
    news = f"has ended it without a video: {why.detail}"
    changes |= NOTHING_TO_LOOK_UP if was_free else {}
    return _move(task, (RemoteState.TAKEN,), RemoteState.NOT_MADE, news=news, **changes)


def stop_unsent(job: Job) -> bool:
    """End a job that its user wants no more and that no provider can have. Return whether it was such a one.

    Raise JobLost.
    """
    with transaction.atomic():
        upkeep.keep(job)
        return current(job) is None and lifecycle.stop(job, detail="No provider had it yet.")


def asked_to_stop(job: Job, task: RemoteTask, *, said: str, is_answered: bool) -> None:
    """Note that the provider was asked to cancel it, and what it said; an answer is the last word."""
    with transaction.atomic():
        if is_answered:
            RemoteTask.objects.filter(pk=task.pk).update(stop_asked_at=Now())
        timeline.tell(job, "withdraw", message=f"{task.model} was asked to cancel it: {said}")


def to_look_at(number: int) -> list[tuple[RemoteTask, Job]]:
    """Return some that were given up and are due to be asked about, with their jobs."""
    due = RemoteTask.objects.to_look_at().select_related("job").order_by("look_at")
    return [(task, task.job) for task in due[:number]]


def take_look(task: RemoteTask) -> bool:
    """Take the turn to ask once more about a submission that was given up; the next one comes after a pause
    twice as long. Return whether the turn was to be had.
    """
    following = clock.from_now(FIRST_PAUSE * 2**task.looks) if task.looks + 1 < LOOKS else None
    due = RemoteTask.objects.to_look_at().filter(pk=task.pk, looks=task.looks)
    return due.update(looks=F("looks") + 1, look_at=following) == 1


def lose(job: Job, task: RemoteTask, *, code: FailureCode, detail: str) -> bool:
    """Fail a job that the operator may have to pay for, and ask staff to look at it. Raise JobLost.

    Return False, with nothing done, if more is known of the submission than `task` tells: whoever had sent
    it, and lost the job since, may have had the answer at last.
    """
    with contextlib.suppress(_Changed), transaction.atomic():
        lifecycle.fail(job, code=code, detail=f"{task.model}: {detail}")
        as_seen = RemoteTask.objects.filter(pk=task.pk, state=task.state)
        if not as_seen.update(needs_review=True, detail=detail):
            raise _Changed
        return True
    return False


def hint(tasks: RemoteTaskQuerySet) -> None:
    """Note that there may be news of these submissions. One that is noted already is not written again."""
    tasks.open().filter(hinted_at=None).update(hinted_at=Now())


def take_hints(worker: str, held: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return the jobs among these of which there may be news, and note that they will be asked about now.

    The worker's other jobs are in the hands of another of its processes.
    """
    known = RemoteTask.objects.hinted().filter(job__worker=worker).values_list("id", "job_id")
    hinted = {task_id: job_id for task_id, job_id in known if job_id in held}
    if hinted:
        RemoteTask.objects.filter(id__in=hinted).update(hinted_at=None)
    return set(hinted.values())


def reviewed(tasks: RemoteTaskQuerySet, *, actor: str) -> int:
    """Note that somebody has looked at these submissions, on their jobs' timelines too; return how many."""
    number = 0
    for task in tasks.to_review().select_related("job"):
        with transaction.atomic():
            if RemoteTask.objects.to_review().filter(pk=task.pk).update(needs_review=False):
                timeline.tell(task.job, "review", actor=actor, message=f"{task.model}: {task.detail}")
                number += 1
    return number


def age(task: RemoteTask) -> datetime.timedelta:
    """Return the time since it was intended, by the database's clock."""
    intended, now = RemoteTask.objects.filter(pk=task.pk).values_list("intended_at", Now()).get()
    found: datetime.timedelta = now - intended
    return found


def is_overdue(job: Job) -> bool:
    """Return whether the job has waited for as long as any may."""
    return Job.objects.filter(id=job.id, deadline_at__lt=Now()).exists()


def _move(
    task: RemoteTask,
    sources: tuple[RemoteState, ...],
    target: RemoteState,
    *,
    news: str = "",
    **changes: Any,
) -> bool:
    """Note what is known now; if the job has ended by then, `news` goes on its timeline."""
    with transaction.atomic():
        is_moved = RemoteTask.objects.filter(pk=task.pk, state__in=sources).update(state=target, **changes)
        task.refresh_from_db()  # also where nothing was updated: the answer to the commit may have been lost
        if is_moved and news and task.closed_at:
            for job in Job.objects.finished().filter(id=task.job_id):
                timeline.tell(job, "news", message=f"{task.model} {news}")
    return task.state == target


def _cost(cost: Cost | None, *, is_reported: bool) -> dict[str, Any]:
    if cost is None:
        return {}
    return {"cost_micros": cost.micros, "currency": cost.currency[:3], "is_cost_reported": is_reported}
