"""How jobs stand, as clients are told: one batched look for all who listen.

Lines of a timeline get their ids before they are committed, so a lower one may become visible after a higher
one, though never within one job, whose row is locked. Whoever looks for what is newer looks a while further
back. What is told is how a job stands now: to hear it twice does no harm.
"""

import dataclasses
import datetime
import json
import time
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now

from jobs import answers, clock, states
from jobs.models import Job, JobEvent
from jobs.states import Status

OVERLAP = datetime.timedelta(minutes=2)  # longer than any transaction: a worker's statement has 90 s
MOST_FINISHED = 200  # told to one who comes back; older ones are in the list of jobs
LARGEST_ID = 2**63 - 1
_NEWEST_LINE = Subquery(JobEvent.objects.filter(job=OuterRef("id")).order_by("-id").values("id")[:1])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How a job stood at a look: `line` is the newest of its timeline, `body` the JSON of its status.

    `looked_at` is when the look began (`time.monotonic`): two of one process can be told apart by it.
    """

    looked_at: float
    job_id: uuid.UUID
    user_id: uuid.UUID
    line: int
    look: tuple[Any, ...]
    etag: str
    finished_at: datetime.datetime | None
    body: str

    @property
    def is_final(self) -> bool:
        return self.look[0] in states.FINISHED

    @property
    def is_queued(self) -> bool:
        return bool(self.look[0] == Status.QUEUED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a stream begins with, `at` a moment: `line` is the newest that the client had, or of all."""

    at: datetime.datetime | None
    line: int
    updates: list[Update]


def of_job(user_id: uuid.UUID, job_id: uuid.UUID) -> Update | None:
    """Return how the user's job stands; None if it is not theirs."""
    looked_at = time.monotonic()
    job = _seen(Job.objects.owned_by(user_id).filter(id=job_id)).first()
    return job and _update(job, looked_at)


def of_jobs(ids: Collection[uuid.UUID]) -> list[Update]:
    """Return how these jobs stand."""
    return _updates(Job.objects.filter(id__in=ids))


def of_users(user_ids: Collection[uuid.UUID], *, since: datetime.timedelta) -> list[Update]:
    """Return how all unfinished jobs of these users stand, and those that changed in this time."""
    recent = Q(updated_at__gt=clock.from_now(-since - OVERLAP))
    return _updates(Job.objects.filter(recent | Q(status__in=states.ACTIVE), user_id__in=user_ids))


def opening(user_id: uuid.UUID, *, after: int | None) -> Opening:
    """Return what a stream of all the user's jobs begins with.

    Their unfinished jobs and, where the client was told up to the line `after`, those that have ended since.
    """
    lines = JobEvent.objects.filter(id__lte=LARGEST_ID if after is None else after).order_by("-id")
    line, told_at, now = lines.values_list("id", "at", Now()).first() or (0, None, None)
    own = Job.objects.owned_by(user_id)
    found = _updates(own.active())
    if after is not None:
        missed = own.finished().filter(finished_at__gt=told_at - OVERLAP) if told_at else own.finished()
        found += _updates(missed.order_by("-finished_at")[:MOST_FINISHED])
    return Opening(at=now, line=line, updates=sorted(found, key=lambda update: update.line))


def _updates(jobs: Any) -> list[Update]:
    looked_at = time.monotonic()
    return [_update(job, looked_at) for job in _seen(jobs)]


def _seen(jobs: Any) -> Any:
    rows = jobs.seen_now().with_queue_ahead().annotate(line=_NEWEST_LINE)
    return rows.defer("prompt", "metadata", "reference_person", "failure_detail")


def _update(job: Any, looked_at: float) -> Update:
    body = answers.status(job)
    return Update(
        looked_at=looked_at,
        job_id=job.id,
        user_id=job.user_id,
        line=job.line or 0,
        look=answers.look(job),
        etag=answers.etag(job),
        finished_at=job.finished_at,
        # as the status is rendered; on one line, as an event's data has to be
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    )
