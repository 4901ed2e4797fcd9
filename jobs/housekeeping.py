"""The chores of the sweep, each one also a command: idempotent, counted, safe beside live workers."""

import dataclasses
import datetime
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from base.errors import DomainError
from jobs import idempotency, lifecycle, queue, statistics, uploads, workers, workplace
from jobs.errors import JobLost
from jobs.models import Chore, Job, PurgedJob
from jobs.providers.base import FailureCode
from videos import library, orphans

logger = logging.getLogger(__name__)

BATCH = 500
DAILY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Count:
    """How many things a chore changed, or would have changed on a dry run."""

    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.what}: {self.number}"


def sweep_if_due() -> None:
    """Sweep, unless somebody did so within `SWEEP_EVERY`; of many at once, one does."""
    if _take_turn("sweep", settings.SWEEP_EVERY):
        sweep()


def sweep(*, dry_run: bool = False, all_chores: bool = False) -> list[Count]:
    """Do every chore that is due; `all_chores` does the daily ones too, whenever they were last done."""
    counts = [
        *reap_jobs(dry_run=dry_run),
        *requeue_lost(dry_run=dry_run),
        *expire_results(dry_run=dry_run),
        Count("idempotency keys removed", idempotency.remove_stale(dry_run=dry_run)),
        Count("dead workers forgotten", workers.forget_dead(dry_run=dry_run)),
    ]
    if not dry_run:
        statistics.tally()  # before jobs are purged that it counts
    if all_chores or (not dry_run and _take_turn("daily", DAILY)):
        counts += [*purge_jobs(dry_run=dry_run), *remove_orphans(dry_run=dry_run)]
        failures = queue.forget_failures(settings.JOB_RETENTION, dry_run=dry_run)
        counts.append(Count("old notes of failed tasks removed", failures))
    for count in counts:
        if count.number and not dry_run:
            logger.info("sweep: %s", count)
    return counts


def reap_jobs(*, dry_run: bool = False) -> list[Count]:
    """Take jobs from workers that are gone, and fail those that waited past their deadline."""
    return [
        Count("jobs reaped", _each(Job.objects.stalled().oldest_first(), lifecycle.reap, dry_run)),
        Count("overdue jobs failed", _each(Job.objects.overdue().in_turn(), _fail_overdue, dry_run)),
    ]


def requeue_lost(*, dry_run: bool = False) -> list[Count]:
    """Serve again what dead workers had taken; wake waiting jobs that no message is about."""
    lost = queue.lost(Job.objects.overlooked(settings.REQUEUE_AFTER)).order_by("woken_at")
    return [
        Count("messages of dead workers freed", queue.free_of_the_dead(dry_run=dry_run)),
        Count("lost jobs requeued", _each(lost, lifecycle.rewake, dry_run)),
    ]


def expire_results(*, dry_run: bool = False) -> list[Count]:
    """Clear what jobs keep for clients once their result time is over; videos stay in the library."""
    return [Count("results expired", _each(Job.objects.expired().order_by("expires_at"), _expire, dry_run))]


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
        Count("abandoned work folders removed", workplace.remove_abandoned(dry_run=dry_run)),
    ]


def _known_uploads(names: list[str]) -> set[str]:
    kept = set(Job.objects.filter(upload__in=names).values_list("upload", flat=True))
    return kept | library.known(names)


def _fail_overdue(job: Job) -> bool:
    detail = f"Waited in the queue past its deadline of {settings.JOB_QUEUE_DEADLINE}."
    try:
        lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail=detail)
    except JobLost:  # claimed or cancelled this very moment
        return False
    return True


def _expire(job: Job) -> bool:
    if not lifecycle.expire(job):
        return False
    if job.upload:  # a completed job has given its picture to the library and has none
        orphans.remove(job.upload)
    return True


def _each(jobs: QuerySet[Job], verb: Callable[[Job], bool], dry_run: bool) -> int:
    batch = list(jobs[:BATCH])
    return len(batch) if dry_run else sum(_done(verb, job) for job in batch)


def _done(verb: Callable[[Job], bool], job: Job) -> bool:
    try:
        return verb(job)
    except DomainError:
        # Books that don't fit the job are for the audit; the other jobs are not to wait for it.
        logger.exception("job %s could not be swept", job.id)
        return False


def _take_turn(name: str, every: datetime.timedelta) -> bool:
    if Chore.objects.get_or_create(name=name)[1]:
        return True
    return Chore.objects.filter(name=name, done_at__lt=Now() - every).update(done_at=Now()) == 1
