"""The only writer of a job's status: each verb is one transaction of conditional UPDATE, ledger move, event.

Every UPDATE names the status, attempt and worker it expects. No row updated means that someone else moved the
job first; attempt and worker together are the fence that stops a worker which came back from the dead. The
job row is always locked (by its UPDATE) before the account's. No provider or storage call is made in here.
"""

import dataclasses
import datetime
import uuid
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, Q, Value
from django.db.models.functions import Greatest, Least, Now

from dust import ledger
from dust.models import Account
from jobs import clock, queue, timeline
from jobs.errors import JobLost, JobNotCancellable, TooManyActiveJobs
from jobs.models import Job, RemoteTask, Worker
from jobs.order import Order
from jobs.providers.base import FailureCode
from jobs.states import RUNNING, Status
from videos import library


def submit(order: Order, *, actor: str = "", reason: str = "") -> Job:
    """Create a queued job: its row, the hold, the event and the queue message commit together or not at all.

    Raise dust's InsufficientDust or AccountFrozen, or TooManyActiveJobs.
    """
    account = ledger.open_account(order.user_id)
    with transaction.atomic():
        return place(order, account_id=account.pk, actor=actor, reason=reason)[0]


def place(order: Order, *, account_id: int, actor: str, reason: str) -> tuple[Job, int]:
    """Do the same in the caller's transaction, which a refusal must end; return the job and the DUST left."""
    job = Job.objects.create(
        deadline_at=clock.from_now(settings.JOB_QUEUE_DEADLINE), **dataclasses.asdict(order)
    )
    if order.cost:
        price = {"cost": order.cost, "model": order.model}
        available = ledger.hold(account_id, job.id, order.cost, meta=price).available_after
    else:
        available = Account.objects.select_for_update(no_key=True).get(pk=account_id).available
    # Counted after the account's row is locked, so that equal requests at once can't pass together.
    if not actor and Job.objects.owned_by(order.user_id).active().count() > settings.MAX_ACTIVE_JOBS:
        raise TooManyActiveJobs(limit=settings.MAX_ACTIVE_JOBS)
    timeline.announce(job, "submit", actor=actor, message=reason)
    queue.wake(job.id, queue=job.queue)
    return job, available


def claim(job_id: uuid.UUID, *, worker: str) -> Job | None:
    """Take a waiting job for `worker`; a first claim makes the hold a charge.

    None: it is not to be had, or the worker was retired. That is asked in the same statement, so that nothing
    a retired worker gave back can come to it again.
    """
    may = ~Exists(Worker.objects.stopping().filter(id=worker))
    mine = {"worker": worker, "lease_expires_at": clock.lease(), "claimed_at": Now()}
    mine |= {"current_step": "Starting"}
    with transaction.atomic():
        fresh = Job.objects.queued().filter(may, id=job_id)
        # Not in its pause, though a doubled message comes.
        rested = Job.objects.filter(may, id=job_id, woken_at__lte=clock.now())
        if _move(fresh, status=Status.STARTING, attempt=1, started_at=Now(), **mine):
            job, tell = Job.objects.get(id=job_id), timeline.announce
            if job.cost:
                ledger.post(job.id)
        elif _move(rested.filter(status=Status.STARTING, worker=""), **mine):
            job, tell = Job.objects.get(id=job_id), timeline.tell
        else:
            return None
        tell(job, "claim", message=f"Worker {worker}")
    return job


def accept(job: Job, *, by: str = "") -> bool:
    """Note that the provider has taken the job, a remote one as its model `by`.

    Return whether that was news. Raise JobLost.
    """
    held, job.made_by = Job.objects.held(job), by if by != job.model else ""
    accepted = {"status": Status.PROCESSING, "made_by": job.made_by, "lease_expires_at": clock.lease()}
    with transaction.atomic():
        is_news = _move(held.filter(status=Status.STARTING), **accepted)
        if not is_news and not held.exists():  # else it is accepted, and the answer to that was lost
            raise JobLost
        job.status = Status.PROCESSING
        if is_news:
            timeline.tell(job, "accept", message=by)
    return is_news


def progress(job: Job, *, share: float, step: str) -> None:
    """Note the share done (0 to 1, it never falls) and renew the lease. Raise JobLost."""
    share = min(max(share, 0.0), 1.0)
    higher = Greatest(F("progress"), Value(share), output_field=models.FloatField())
    now = {"progress": higher, "current_step": step[:100], "lease_expires_at": clock.lease()}
    if not _move(Job.objects.held(job), **now):
        raise JobLost


def complete(job: Job, *, video_id: uuid.UUID, files: library.StoredFiles, details: library.Details) -> None:
    """Finish a job whose files are stored, together with its library row. Raise JobLost."""
    with transaction.atomic():
        elapsed = Job.objects.running().filter(id=job.id).milliseconds_at_work()
        held = Job.objects.held(job).filter(status=Status.PROCESSING)
        done = {"progress": 1.0, "current_step": "Done", "generation_ms": elapsed, "upload": ""}
        # the foreign key is checked at commit, so the job row can be first: job, then the rest
        if not _finish(held, status=Status.COMPLETED, video_id=video_id, **done):
            raise JobLost
        library.add(video_id=video_id, files=files, details=details)
        RemoteTask.objects.open().filter(job_id=job.id).update(closed_at=Now())
        job.status = Status.COMPLETED
        timeline.announce(job, "complete", message=f"Made in {elapsed / 1000:.1f} s")


def fail(job: Job, *, code: FailureCode, detail: str, actor: str = "", reason: str = "") -> None:
    """End an unfinished job without a video and give the DUST back. Raise JobLost if it moved meanwhile."""
    with transaction.atomic():
        _fail(job, Job.objects.active(), verb="fail", code=code, detail=detail, actor=actor, reason=reason)


def cancel(job: Job, *, actor: str = "", reason: str = "") -> bool:
    """Cancel a queued job and release its hold; doing it again changes nothing. Raise JobNotCancellable.

    Return whether that was news.
    """
    with transaction.atomic():
        if _finish(Job.objects.queued().filter(id=job.id), status=Status.CANCELLED, current_step="Cancelled"):
            job.status = Status.CANCELLED
            if job.cost:
                ledger.void(job.id)
            timeline.announce(job, "cancel", actor=actor, message=reason)
            return True
    job.refresh_from_db(fields=["status"])
    if job.status != Status.CANCELLED:
        raise JobNotCancellable(job_status=job.status)
    return False


def ask_to_cancel(job: Job, *, actor: str = "", reason: str = "") -> bool:
    """Note that a running job is wanted no more; how it ends is then for its provider to say.

    Return whether that was news. Raise JobNotCancellable if the job does not run.
    """
    unasked = Q(cancel_requested_at=None) | Q(cancel_lapsed_at__isnull=False)
    # If it waits for a worker, its turn is now.
    wish = {"cancel_requested_at": Now(), "cancel_lapsed_at": None, "woken_at": Least(F("woken_at"), Now())}
    with transaction.atomic():
        is_news = _move(Job.objects.running().filter(unasked, id=job.id), **wish)
        job.refresh_from_db(fields=["status", "attempt", "cancel_requested_at", "cancel_lapsed_at"])
        if is_news:
            timeline.tell(job, "ask_to_cancel", actor=actor, message=reason)
    if not is_news and job.status not in RUNNING:
        raise JobNotCancellable(job_status=job.status)
    return is_news


def stop(job: Job, *, detail: str) -> bool:
    """End a job that its user wants no more, and refund it. Return whether it was still to be ended so.

    The caller knows that no provider is at work on it.
    """
    with transaction.atomic():
        asked = Job.objects.held(job).exclude(cancel_requested_at=None)
        if not _finish(asked, status=Status.CANCELLED, current_step="Cancelled"):
            return False
        job.status = Status.CANCELLED
        RemoteTask.objects.open().filter(job_id=job.id).update(closed_at=Now())
        if job.cost:
            ledger.reverse(job.id, reason="The job was cancelled.")
        timeline.announce(job, "stop", message=detail)
    return True


def go_on(job: Job, *, why: str) -> bool:
    """Note that a cancel was not confirmed in its time: the job goes on as if nobody had asked for one.

    Return whether it came to that.
    """
    with transaction.atomic():
        late = Q(cancel_requested_at__lt=Now() - settings.CANCEL_PATIENCE)
        asked = Job.objects.held(job).unwanted().filter(late)
        if not _move(asked, cancel_lapsed_at=Now(), current_step="Could not be cancelled; the job goes on"):
            return False
        timeline.tell(job, "go_on", message=why)
    return True


def reap(job: Job, *, is_dead: bool = False) -> bool:
    """Take a job from a worker whose lease ran out: another attempt if one is left, else failed and refunded.

    With `is_dead` the worker is known to be gone, and its lease is not waited for. Return whether the job was
    still to be reaped.
    """
    expected = Job.objects.held(job) if is_dead else Job.objects.held(job).stalled()
    how = "died at work." if is_dead else "gave no sign of life within its lease."
    detail = f"Worker {job.worker or '?'} {how}"
    code = FailureCode.INTERNAL_ERROR
    with transaction.atomic():
        return _again_or_fail(job, queue.NOW, expected, verb="reap", code=code, detail=detail)


def release(
    job: Job,
    *,
    step: str = "Waiting for another worker",
    why: str = "",
    delay: datetime.timedelta = queue.NOW,
) -> bool:
    """Give back a job that its worker has no time for, or that has to wait: the same attempt, by another.

    Return whether the worker still had it. `why` is for staff; a worker that is stopping needs none.
    """
    with transaction.atomic():
        waiting: dict[str, Any] = {"worker": "", "lease_expires_at": None, "woken_at": clock.from_now(delay)}
        if not RemoteTask.objects.open().filter(job_id=job.id).exists():
            waiting["progress"] = 0.0  # the work is begun anew
        if not _move(Job.objects.held(job), status=Status.STARTING, current_step=step, **waiting):
            return False
        job.status = Status.STARTING
        timeline.tell(job, "release", message=why or f"Worker {job.worker} is stopping.")
        queue.wake(job.id, queue=job.queue, delay=delay, first=not delay)
    return True


def hand_back(job: Job, *, code: FailureCode, detail: str) -> None:
    """Give a job up for another attempt after a pause if one is left, else fail it. Raise JobLost."""
    with transaction.atomic():
        delay = settings.JOB_RETRY * 4 ** (min(job.attempt, settings.JOB_MAX_ATTEMPTS) - 1)
        if not _again_or_fail(job, delay, Job.objects.held(job), verb="hand_back", code=code, detail=detail):
            raise JobLost


def _again_or_fail(
    job: Job,
    delay: datetime.timedelta,
    expected: models.QuerySet[Job],
    *,
    verb: str,
    code: FailureCode,
    detail: str,
) -> bool:
    # A submission that may have been taken is not given up for what befalls our workers.
    is_engaged = RemoteTask.objects.open().filter(job_id=job.id).exists()
    if job.attempt >= settings.JOB_MAX_ATTEMPTS and not is_engaged:
        try:
            _fail(job, expected, verb=verb, code=code, detail=f"{detail} No attempt is left.")
        except JobLost:
            return False
        return True
    again: dict[str, Any] = {"worker": "", "lease_expires_at": None, "woken_at": clock.from_now(delay)}
    again |= {"attempt": F("attempt") + 1, "progress": 0.0, "current_step": "Waiting for another try"}
    if not _move(expected.filter(id=job.id), status=Status.STARTING, **again):
        return False
    # The caller's object keeps its attempt: should the commit fail, it must find its job when it tries again.
    timeline.tell(job, verb, status=Status.STARTING, attempt=job.attempt + 1, message=detail)
    queue.wake(job.id, queue=job.queue, delay=delay, first=not delay)
    return True


def _fail(
    job: Job,
    expected: models.QuerySet[Job],
    *,
    verb: str,
    code: FailureCode,
    detail: str,
    actor: str = "",
    reason: str = "",
) -> None:
    expected = expected.filter(id=job.id, attempt=job.attempt, worker=job.worker)
    words = {"failure_code": code, "failure_detail": detail, "current_step": "Failed"}
    if not _finish(expected, status=Status.FAILED, **words):
        raise JobLost
    job.status = Status.FAILED
    # whoever failed it: what may have been paid for is for staff to look up, and for `late_news`
    RemoteTask.objects.open().filter(job_id=job.id).give_up()
    if job.cost and job.was_started:
        ledger.reverse(job.id, reason=code.label)  # the user reads it in the history
    elif job.cost:
        ledger.void(job.id)
    timeline.announce(job, verb, actor=actor, message=reason or detail)


def _finish(expected: models.QuerySet[Job], **changes: Any) -> bool:
    ended = {"worker": "", "lease_expires_at": None, "finished_at": Now()}
    return _move(expected, expires_at=clock.from_now(settings.JOB_RESULT_LIFETIME), **ended, **changes)


def _move(expected: models.QuerySet[Job], **changes: Any) -> bool:
    return expected.update(updated_at=Now(), **changes) == 1
