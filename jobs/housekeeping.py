"""The chores of the sweep, each one also a command: idempotent, counted, safe beside live workers."""

import dataclasses
import datetime
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs import (
    catalogue,
    idempotency,
    lifecycle,
    queue,
    resends,
    singly,
    statistics,
    upkeep,
    uploads,
    workers,
    workplace,
)
from jobs.errors import JobLost
from jobs.models import Chore, Job, PurgedJob
from jobs.providers.base import FailureCode
from videos import library, orphans

logger = logging.getLogger(__name__)

BATCH = 500
_registered: list[Callable[..., list["Count"]]] = []


@dataclasses.dataclass(frozen=True, slots=True)
class Count:
    """How many things a chore changed, or would have changed on a dry run."""

    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.what}: {self.number}"


def sweep(*, dry_run: bool = False, all_chores: bool = False) -> list[Count]:
    """Do the chores of each minute, whenever they were last done; with `all_chores` the daily ones, too."""
    chores = (*FREQUENT, *daily()) if all_chores else FREQUENT
    return [count for chore in chores for count in chore(dry_run=dry_run)]


def register(chore: Callable[..., list[Count]]) -> None:
    """Have another app's chore done once a day, after our own."""
    _registered.append(chore)


def daily() -> tuple[Callable[..., list[Count]], ...]:
    """Return the chores of each day."""
    return (*DAILY, *_registered)


def reap_jobs(*, dry_run: bool = False) -> list[Count]:
    """Take jobs from workers that are gone, and fail those that waited past their deadline."""
    deserted = Job.objects.deserted(settings.JOB_QUEUE_DEADLINE).order_by("woken_at")
    overdue = _each(Job.objects.overdue().in_turn(), _fail_overdue, dry_run)
    return [
        Count("jobs reaped", _each(Job.objects.stalled().oldest_first(), lifecycle.reap, dry_run)),
        Count("overdue jobs failed", overdue + _each(deserted, _fail_overdue, dry_run)),
    ]


def requeue_lost(*, dry_run: bool = False) -> list[Count]:
    """Serve again what dead workers had taken; wake waiting jobs that no message is about."""
    overlooked = Job.objects.overlooked(settings.REQUEUE_AFTER)
    # remote ones wait for their provider, not for a message: their drivers look for them by themselves
    local = overlooked.exclude(model__in=[model.alias for model in catalogue.all_remote()])
    lost = queue.lost(local).order_by("woken_at")
    return [
        Count("messages of dead workers freed", queue.free_of_the_dead(dry_run=dry_run)),
        Count("lost jobs requeued", _each(lost, upkeep.rewake, dry_run)),
    ]


def expire_results(*, dry_run: bool = False) -> list[Count]:
    """Clear what jobs keep for clients once their result time is over; videos stay in the library."""
    return [Count("results expired", _each(Job.objects.expired().order_by("expires_at"), _expire, dry_run))]


def remove_stale_keys(*, dry_run: bool = False) -> list[Count]:
    """Remove idempotency keys past their lifetime, and notes of submits that may have had no answer."""
    return [
        Count("idempotency keys removed", idempotency.remove_stale(dry_run=dry_run)),
        Count("old notes of submits removed", resends.remove_stale(dry_run=dry_run)),
    ]


def forget_dead_workers(*, dry_run: bool = False) -> list[Count]:
    """Remove the rows of clusters that have been silent for long."""
    return [Count("dead workers forgotten", workers.forget_dead(dry_run=dry_run))]


def tally(*, dry_run: bool = False) -> list[Count]:
    """Count the jobs that have ended since the last time."""
    if not dry_run:
        statistics.tally()
    return []


def tally_and_purge(*, dry_run: bool = False) -> list[Count]:
    """Do `purge_jobs`, after the jobs were counted that it deletes."""
    return [*tally(dry_run=dry_run), *purge_jobs(dry_run=dry_run)]


def purge_jobs(*, age: datetime.timedelta | None = None, dry_run: bool = False) -> list[Count]:
    """Delete jobs that ended longer ago than `age` (`JOB_RETENTION`); money and videos are not touched."""
    age = settings.JOB_RETENTION if age is None else age
    old = Job.objects.purgeable(age).order_by("finished_at")
    if dry_run:
        return [Count("jobs purged", old.count())]
    number = 0
    while batch := list(old.only("id", "status", "attempt", "cost")[:BATCH]):
        try:
            _purge(batch)
        except IntegrityError:  # staff run one of them again at this very moment: tomorrow, then
            logger.warning("a batch of old jobs could not be purged, will try again")
            break
        number += len(batch)
    return [Count("jobs purged", number)]


@transaction.atomic
def _purge(batch: list[Job]) -> None:
    PurgedJob.objects.bulk_create(
        [
            PurgedJob(id=job.id, status=job.status, was_started=job.was_started, cost=job.cost)
            for job in batch
        ],
        ignore_conflicts=True,
    )
    Job.objects.finished().filter(id__in=[job.id for job in batch]).delete()


def remove_orphans(*, age: datetime.timedelta | None = None, dry_run: bool = False) -> list[Count]:
    """Remove stored files that nothing refers to and that are older than `age` (`ORPHAN_AGE`)."""
    age = settings.ORPHAN_AGE if age is None else age
    videos = library.remove_orphans(older_than=age, dry_run=dry_run)
    pictures = orphans.sweep(uploads.PREFIX, _known_uploads, older_than=age, dry_run=dry_run)
    return [
        Count("orphaned files removed", videos.files + pictures.files),
        Count("bytes freed", videos.bytes + pictures.bytes),
        Count("videos without their file", videos.rows_without_file),
        *remove_abandoned(dry_run=dry_run),
    ]


def remove_abandoned(*, dry_run: bool = False) -> list[Count]:
    """Remove old work folders that killed workers left on this machine: each machine does its own."""
    return [Count("abandoned work folders removed", workplace.remove_abandoned(dry_run=dry_run))]


def forget_failures(*, dry_run: bool = False) -> list[Count]:
    """Remove the engine's own notes of tasks that failed long ago."""
    failures = queue.forget_failures(settings.JOB_RETENTION, dry_run=dry_run)
    return [Count("old notes of failed tasks removed", failures)]


def take_turn(name: str, every: datetime.timedelta) -> bool:
    """Tell whether these chores are due, each `every`, and mark them as begun; of many at once, one may."""
    if Chore.objects.get_or_create(name=name)[1]:
        return True
    return Chore.objects.filter(name=name, done_at__lt=Now() - every).update(done_at=Now()) == 1


def _known_uploads(names: list[str]) -> set[str]:
    kept = set(Job.objects.filter(upload__in=names).values_list("upload", flat=True))
    return kept | library.known(names)


def _fail_overdue(job: Job) -> bool:
    detail = f"Waited for a worker past its deadline of {settings.JOB_QUEUE_DEADLINE}."
    try:
        lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail=detail)
    except JobLost:  # claimed or cancelled this very moment
        return False
    return True


def _expire(job: Job) -> bool:
    if not upkeep.expire(job):
        return False
    if job.upload:  # a completed job has given its picture to the library and has none
        orphans.remove(job.upload)
    return True


def _each(jobs: QuerySet[Job], verb: Callable[[Job], bool], dry_run: bool) -> int:
    batch = list(jobs[:BATCH])
    return len(batch) if dry_run else singly.each(batch, verb)


FREQUENT = (reap_jobs, requeue_lost, expire_results, remove_stale_keys, forget_dead_workers, tally)
DAILY = (tally_and_purge, remove_orphans, forget_failures)
