"""What all remote jobs of one driver share: the wire, and threads for what has to wait outside the loop."""

import asyncio
import dataclasses
import functools
import itertools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from django.db import connection

from base.outages import AWAY
from jobs.examiner import Examiner
from jobs.upstreams import Pace
from jobs.wire import Wire

logger = logging.getLogger(__name__)

OUTAGE_SECONDS = 1.0
DOWNLOADS_OF_ONE = 4
P = ParamSpec("P")
R = TypeVar("R")


@dataclasses.dataclass
class Office:
    """Threads are kept apart by what they wait for, so that nothing slow holds up what must not be late.

    `desk` and `watch` (for the leases) only ask the database, `store` puts videos away; each of their threads
    has a connection. `pictures` look at and fetch users' pictures, `porters` fetch videos.
    """

    wire: Wire
    watch: Executor
    desk: Executor
    store: Executor
    pictures: Executor
    porters: Executor
    examiners: list[Examiner]

    def __post_init__(self) -> None:
        self.sending: set[asyncio.Task[bool]] = set()
        self._turns: Iterator[Examiner] = itertools.cycle(self.examiners)
        self._paces: dict[str, Pace] = {}
        self._doors: dict[str, asyncio.Semaphore] = {}

    async def write(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what needs the database, in a thread; wait for it while it is away.

        Whoever waits here may have lost the job by then: `verb` finds out by its fence.
        """
        return await insist(self.desk, functools.partial(verb, *args, **kwargs))

    def examiner(self) -> Examiner:
        """Return the one whose turn it is."""
        return next(self._turns)

    def door(self, account: str) -> asyncio.Semaphore:
        """Return what lets only a few downloads of an account pass at once: a slow one is not to take all."""
        return self._doors.setdefault(account, asyncio.Semaphore(DOWNLOADS_OF_ONE))

    def pace(self, account: str, per_second: float) -> Pace:
        """Return the pace at which an account is submitted to from here."""
        return self._paces.setdefault(account, Pace(per_second))


async def insist(threads: Executor, work: Callable[[], R]) -> R:
    """Do what needs the database in one of these threads; wait for it while it is away."""
    while True:
        try:
            return await carry(threads, functools.partial(_at_desk, work))
        except AWAY as error:
            logger.warning("the database does not answer, will try again: %s", error)
            await asyncio.sleep(OUTAGE_SECONDS)


async def carry(threads: Executor, work: Callable[[], R]) -> R:
    """Do what takes a while in one of these threads."""
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _at_desk(work: Callable[[], R]) -> R:
    connection.close_if_unusable_or_obsolete()
    try:
        return work()
    except AWAY:
        connection.close()
        raise
