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
P = ParamSpec("P")
R = TypeVar("R")


@dataclasses.dataclass
class Office:
    """`desk` has threads for database and storage, with a connection each; `porters` for everything else."""

    worker: str
    wire: Wire
    desk: Executor
    porters: Executor
    examiners: list[Examiner]
    paces: dict[str, Pace] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns: Iterator[Examiner] = itertools.cycle(self.examiners)

    async def write(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what needs the database, in a thread; wait for it while it is away.

        Whoever waits here may have lost the job by then: `verb` finds out by its fence.
        """
        loop = asyncio.get_running_loop()
        work = functools.partial(_at_desk, functools.partial(verb, *args, **kwargs))
        while True:
            try:
                return await loop.run_in_executor(self.desk, work)
            except AWAY as error:
                logger.warning("the database does not answer, will try again: %s", error)
                await asyncio.sleep(OUTAGE_SECONDS)

    async def carry(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do what takes a while and needs no database, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.porters, functools.partial(verb, *args, **kwargs))

    def examiner(self) -> Examiner:
        """Return the one whose turn it is."""
        return next(self._turns)

    def pace(self, account: str, per_second: float) -> Pace:
        """Return the pace at which an account is submitted to from here."""
        return self.paces.setdefault(account, Pace(per_second))


def _at_desk(work: Callable[[], R]) -> R:
    connection.close_if_unusable_or_obsolete()
    try:
        return work()
    except AWAY:
        connection.close()
        raise
