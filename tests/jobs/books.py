"""What a model of jobs, users and their DUST believes, and what the tables say of the same."""

import collections
import dataclasses
import uuid

from django.db import connection

from jobs.states import ACTIVE, Status
from tests.jobs.making import OPENING

EFFECTS = {"hold": (0, 1), "post": (-1, -1), "void": (0, -1), "reverse": (1, 0)}  # on posted and held
TABLES = (
    *("jobs_job", "jobs_jobevent", "jobs_message", "jobs_purgedjob"),
    *("dust_account", "dust_transfer", "videos_video"),
)


@dataclasses.dataclass
class Purse:
    """A user's DUST: what is owned, what is held of it, and how many moves there were."""

    posted: int = OPENING
    held: int = 0
    moves: int = 1

    @property
    def available(self):
        return self.posted - self.held

    @property
    def row(self):
        return self.posted, self.held, self.moves

    def move(self, kind, amount):
        posted, held = EFFECTS[kind]
        self.posted, self.held = self.posted + posted * amount, self.held + held * amount
        self.moves += 1


@dataclasses.dataclass
class Told:
    """A job as the model tells it."""

    id: uuid.UUID
    user_id: uuid.UUID
    cost: int
    status: Status | None = None
    attempt: int = 0
    worker: str = ""
    share: float = 0.0
    has_video: bool = False
    is_cleared: bool = False
    wish: str = ""  # to cancel it at work: "", "standing" or "lapsed"
    is_wish_old: bool = False
    money: list[str] = dataclasses.field(default_factory=list)
    story: list[tuple[str, str, int]] = dataclasses.field(default_factory=list)
    wakes: int = 0

    @property
    def stage(self):
        """Its status; "waiting" is starting with no worker."""
        return "waiting" if self.status == Status.STARTING and not self.worker else str(self.status)

    @property
    def is_active(self):
        return self.status in ACTIVE

    @property
    def row(self):
        state = (self.status, self.attempt, self.worker, self.share, self.has_video, self.is_cleared)
        return (self.user_id, self.cost, *state, bool(self.wish), self.wish == "lapsed")


def purses():
    """Return what the accounts say: user -> (posted, held, moves)."""
    found = _read("SELECT user_id, posted, held, seq FROM dust_account")
    return {_id(user): (posted, held, moves) for user, posted, held, moves in found}


def rows():
    """Return what the jobs say, in the form of `Told.row`."""
    found = _read(
        """SELECT id, user_id, cost, status, attempt, worker, progress, video_id IS NOT NULL,
                  cleared_at IS NOT NULL, cancel_requested_at IS NOT NULL, cancel_lapsed_at IS NOT NULL
           FROM jobs_job"""
    )
    return {_id(job): (_id(user), *rest) for job, user, *rest in found}


def money():
    """Return the kinds of each job's transfers, in their order."""
    return _listed("SELECT job_id, kind FROM dust_transfer WHERE job_id IS NOT NULL ORDER BY seq")


def stories():
    """Return each job's timeline: (verb, status, attempt)."""
    return _listed("SELECT job_id, verb, status, attempt FROM jobs_jobevent ORDER BY id")


def wakes():
    """Return how many queue messages there are about each job."""
    return {_id(job): n for job, n in _read("SELECT job_id, COUNT(*) FROM jobs_message GROUP BY job_id")}


def purged():
    """Return what was kept of purged jobs."""
    found = _read("SELECT id, status, cost, was_started FROM jobs_purgedjob")
    return {_id(job): tuple(rest) for job, *rest in found}


def everything():
    """Return all that a refused verb must leave as it was."""
    return {table: _read(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}


def _listed(sql):
    found = collections.defaultdict(list)
    for job, *rest in _read(sql):
        found[_id(job)].append(tuple(rest) if len(rest) > 1 else rest[0])
    return dict(found)


def _read(sql):
    # No ORM: this is done after each of many thousand steps, and it should not trust what it checks.
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def _id(value):
    return uuid.UUID(str(value))  # SQLite keeps 32 digits
