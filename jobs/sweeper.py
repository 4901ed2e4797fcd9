"""The supervisor's sweep: every minute somewhere, whatever the workers are busy with."""

import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.conf import settings
from django.db import connection

from base.outages import AWAY
from jobs import housekeeping
from jobs.housekeeping import Count

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
RARE_SECONDS = 60.0  # between two looks for what is done once a day; meanwhile no connection is kept
HOUR_SECONDS = 3600.0
DAY = datetime.timedelta(days=1)
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Chores done one after the other whenever they are due; that is asked every `look` seconds."""

    name: str
    chores: Sequence[Callable[[], list[Count]]]
    is_due: Callable[[], bool]
    look: float


def rounds() -> list[Round]:
    """Return what a supervisor does; of many, the first to see that something is due does it for all.

    Files of jobs in progress are on each machine's own disk: there every supervisor sees to them itself.
    """
    return [
        Round(
            name="sweep",
            chores=housekeeping.FREQUENT,
            is_due=lambda: housekeeping.take_turn("sweep", settings.SWEEP_EVERY),
            look=LOOK_SECONDS,
        ),
        Round(
            name="daily",
            chores=housekeeping.daily(),
            is_due=lambda: housekeeping.take_turn("daily", DAY),
            look=RARE_SECONDS,
        ),
        Round(name="machine", chores=[housekeeping.remove_abandoned], is_due=lambda: True, look=HOUR_SECONDS),
    ]


class Sweeper:
    """Does the housekeeping that is due, in the supervisor: in the queue it would wait behind the backlog.

    A thread for each round: the daily one asks the storage about every file, and leases can't wait for that.
    """

    name = "sweeper"

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=[each], name=f"sweeper-{each.name}", daemon=True)
            for each in rounds
        ]

    def start(self) -> None:
        """Begin all rounds."""
        for thread in self._threads:
            thread.start()

    def is_alive(self) -> bool:
        """Tell whether every round goes on."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Begin no further chore. The one at work gets a moment; it may be cut short anywhere."""
        self._stopping.set()
        deadline = time.monotonic() + LOOK_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _repeat(self, round_: Round) -> None:
        while not self._stopping.is_set():
            if _endure(round_.is_due):
                for chore in round_.chores:
                    if not self._stopping.is_set():
                        _report(_endure(chore))
            if round_.look > LOOK_SECONDS:
                connection.close()
            self._stopping.wait(round_.look)
        connection.close()


def _endure(verb: Callable[[], Result]) -> Result | None:
    try:
        return verb()
    except (*AWAY, OSError) as error:
        logger.warning("the sweep was cut short, will go on: %s", error)
    except Exception:  # the outer edge: a chore that fails must not end the others, nor a supervisor its jobs
        logger.exception("a chore of the sweep failed, the others go on")
    connection.close()
    return None


def _report(counts: list[Count] | None) -> None:
    for count in counts or ():
        if count.number:
            logger.info("sweep: %s", count)
