"""What is to be looked at next for those who listen."""

import asyncio
import dataclasses
import datetime
import itertools
import time
import uuid
from collections.abc import Iterable, Sequence

from jobs.live.listener import Listener

QUEUE_SECONDS = 2.0  # between looks at queued jobs: their place changes with other people's
ALL_SECONDS = 30.0  # between looks at everything, should anything not have been heard
SHARE_OF_TIME = 0.1  # that looks at queued jobs may take, however long the queue
MOST = 200  # jobs, or users, in one look: a statement has its limit of time

Waiting = dict[uuid.UUID, None]  # in the order in which they came


@dataclasses.dataclass(frozen=True, slots=True)
class Points:
    """These jobs, or of these users all that is unfinished or changed since a moment (`time.monotonic`).

    `is_routine`: nothing was heard of them.
    """

    jobs: set[uuid.UUID]
    users: set[uuid.UUID]
    moment: float
    is_routine: bool = False

    def __bool__(self) -> bool:
        return bool(self.jobs or self.users)

    @property
    def since(self) -> datetime.timedelta:
        return datetime.timedelta(seconds=time.monotonic() - self.moment)


class Agenda:
    """Collects points until they are taken, no more than one statement can look at."""

    def __init__(self) -> None:
        self._jobs: Waiting = {}
        self._users: Waiting = {}
        self._queued: Waiting = {}
        self._moment = self._queue_due = self._all_due = self._all_done = time.monotonic()
        self._has_points = asyncio.Event()
        self._most = MOST
        self._queue_seconds = 0.0  # that looks at queued jobs took since they became due

    def look_at_job(self, job_id: uuid.UUID) -> None:
        self._jobs[job_id] = None
        self._has_points.set()

    def look_at_users(self, user_ids: Iterable[uuid.UUID], *, since: float) -> None:
        self._users.update(dict.fromkeys(user_ids))
        self._moment = min(self._moment, since)
        self._has_points.set()

    async def wait(self, seconds: float) -> None:
        """Wait until there is something to look at, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._has_points.wait()
        except TimeoutError:
            return

    def add_what_is_due(self, listeners: Sequence[Listener]) -> None:
        """Add what is looked at from time to time, though nothing was heard of it."""
        now = time.monotonic()
        if now >= self._all_due:
            self.look_at_users({listener.user_id for listener in listeners}, since=self._all_done)
            self._all_due, self._all_done = now + ALL_SECONDS, now
        if now >= self._queue_due:
            for listener in listeners:
                self._queued.update(dict.fromkeys(listener.queued))
            self._queue_due, self._queue_seconds = now + QUEUE_SECONDS, 0.0

    def take(self) -> list[Points]:
        """Return what is to be looked at now, each by itself; queued jobs that are due come last."""
        looks = [
            Points(self._first(self._jobs), set(), self._moment),
            Points(set(), self._first(self._users), self._moment),
            Points(self._first(self._queued), set(), self._moment, is_routine=True),
        ]
        if not self._users:
            self._moment = time.monotonic()
        if self._jobs or self._users or self._queued:
            self._has_points.set()
        else:
            self._has_points.clear()
        return [points for points in looks if points]

    def _first(self, waiting: Waiting) -> set[uuid.UUID]:
        first = set(itertools.islice(waiting, self._most))
        for each in first:
            del waiting[each]
        return first

    def looked_at(self, points: Points, *, seconds: float) -> None:
        """Note how long a look took: after a long one, queued jobs are left alone for a while."""
        self._most = min(MOST, 2 * self._most)
        self._brake(points, seconds)

    def failed(self, points: Points, *, seconds: float) -> None:
        """Look at these another time, after others and at fewer at once; at queued jobs when they are due."""
        self._most = max(1, len(points.jobs | points.users) // 2)
        self._brake(points, seconds)
        if points.is_routine:
            self._queued.clear()
            return
        for job_id in points.jobs:
            self.look_at_job(job_id)
        if points.users:
            self.look_at_users(points.users, since=points.moment)

    def _brake(self, points: Points, seconds: float) -> None:
        if points.is_routine:
            self._queue_seconds += seconds
            pause = self._queue_seconds / SHARE_OF_TIME
            self._queue_due = max(self._queue_due, time.monotonic() + pause)
