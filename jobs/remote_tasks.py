"""The writer of submissions to providers; `lifecycle` alone closes them, with their job. Each verb is one
transaction.

What a provider has said is noted whoever holds the job by then: an id that was paid for is never thrown away.
What moves the job goes through `lifecycle`, with its fence, in the same transaction.
"""

import datetime
import uuid

from django.db import transaction
from django.db.models.functions import Now

from jobs import lifecycle, upstreams
from jobs.models import Job, RemoteState, RemoteTask
from jobs.models.remote import RemoteTaskQuerySet
from jobs.providers.base import FailureCode
from jobs.providers.remote import Cost, Handle, NotMade, Refused, Route, Taken


class AccountFull(Exception):
    """Nothing more may be submitted to this account now."""


def current(job: Job) -> RemoteTask | None:
    """Return the submission of this job that may have been taken, if there is one."""
    return RemoteTask.objects.maybe_taken().filter(job_id=job.id).first()


def refusals(job: Job) -> int:
    """Return how often the job was refused so far."""
    return RemoteTask.objects.filter(job_id=job.id, state=RemoteState.REFUSED).count()


def refused_models(job: Job) -> set[str]:
    """Return the models that have not taken this job, for certain and for good."""
    refused = RemoteTask.objects.filter(job_id=job.id, state=RemoteState.REFUSED, is_final=True)
    return set(refused.values_list("model", flat=True))


def handle(task: RemoteTask) -> Handle:
    return Handle(key=task.key, remote_id=task.remote_id, urls=task.urls)


def intend(job: Job, route: Route, *, key: uuid.UUID, in_flight: int) -> RemoteTask:
    """Note that the job is about to be submitted; commit before the request leaves.

    Doing it again with the same key, because the answer to the commit was lost, changes nothing. Raise
    JobLost, or AccountFull if `in_flight` submissions of the account are open or it takes nothing now.
    """
    with transaction.atomic():
        lifecycle.keep(job)
        if known := RemoteTask.objects.filter(key=key).first():
            return known
        # Not exact among many at once: a limit that is passed by one or two is the provider's to enforce.
        if not upstreams.rooms_within({route.account: in_flight})[route.account]:
            raise AccountFull
        return RemoteTask.objects.create(job_id=job.id, key=key, model=route.alias, account=route.account)


def taken(task: RemoteTask, said: Taken) -> bool:
    """Note the provider's id. Return whether that was news."""
    waiting = (RemoteState.INTENDED, RemoteState.UNKNOWN)
    changes = {"remote_id": said.remote_id, "urls": dict(said.urls), "taken_at": Now()}
    return _move(task, waiting, RemoteState.TAKEN, **changes)


def refused(task: RemoteTask, why: Refused) -> bool:
    """Note that the provider has not taken it. Return whether that was news."""
    changes = {"detail": why.detail, "is_final": not why.again, "closed_at": Now()}
    return _move(task, (RemoteState.INTENDED, RemoteState.UNKNOWN), RemoteState.REFUSED, **changes)


def unknown(task: RemoteTask, detail: str) -> bool:
    """Note that no reply came. Return whether that was news."""
    return _move(task, (RemoteState.INTENDED,), RemoteState.UNKNOWN, detail=detail)


def made(task: RemoteTask, cost: Cost | None, *, is_reported: bool) -> bool:
    """Note that the provider has the video. Return whether that was news."""
    return _move(task, (RemoteState.TAKEN,), RemoteState.MADE, **_cost(cost, is_reported=is_reported))


def not_made(job: Job, task: RemoteTask, why: NotMade) -> None:
    """Note that the provider has ended it without a video, and fail the job. Raise JobLost."""
    with transaction.atomic():
        lifecycle.fail(job, code=why.code, detail=f"{task.model}: {why.detail}")
        changes = {"detail": why.detail, "needs_review": False, **_cost(why.cost, is_reported=True)}
        _move(task, (RemoteState.TAKEN, RemoteState.MADE), RemoteState.NOT_MADE, **changes)


def lose(job: Job, task: RemoteTask, *, code: FailureCode, detail: str) -> None:
    """Fail a job that the operator may have to pay for, and ask staff to look at it. Raise JobLost."""
    with transaction.atomic():
        lifecycle.fail(job, code=code, detail=f"{task.model}: {detail}")
        RemoteTask.objects.filter(pk=task.pk).update(needs_review=True, detail=detail)


def reviewed(tasks: RemoteTaskQuerySet, *, actor: str) -> int:
    """Note that somebody has looked at these submissions, on their jobs' timelines too; return how many."""
    number = 0
    for task in tasks.to_review().select_related("job"):
        with transaction.atomic():
            if RemoteTask.objects.to_review().filter(pk=task.pk).update(needs_review=False):
                lifecycle.remark(task.job, "review", actor=actor, message=f"{task.model}: {task.detail}")
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


def _move(task: RemoteTask, sources: tuple[RemoteState, ...], target: RemoteState, **changes: object) -> bool:
    RemoteTask.objects.filter(pk=task.pk, state__in=sources).update(state=target, **changes)
    task.refresh_from_db()  # also where nothing was updated: the answer to the commit may have been lost
    return task.state == target


def _cost(cost: Cost | None, *, is_reported: bool) -> dict[str, object]:
    if cost is None:
        return {}
    return {"cost_micros": cost.micros, "currency": cost.currency[:3], "is_cost_reported": is_reported}
