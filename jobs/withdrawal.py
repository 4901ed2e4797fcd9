"""A running job that its user wants no more: its provider is asked to stop, and goes on being polled.

Its polls alone decide how the job ends. It is only asked while it says that it is at work: some take the same
question about finished work for the wish to have that deleted.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from jobs import asking, lifecycle, timeline
from jobs.engagement import Engaged
from jobs.models import Job
from jobs.office import Office

ASKS = 4  # as long as no answer comes, each after twice the time
FIRST_PAUSE = 2.0  # seconds


class Withdrawal:
    """Whether one job is still wanted, and how far its provider was asked to stop."""

    def __init__(self, job: Job, office: Office) -> None:
        self._job, self._office = job, office
        self._wish = asyncio.Event()
        self.is_accepted = False
        self.note(is_unwanted=job.is_unwanted)

    def note(self, *, is_unwanted: bool) -> None:
        """Take in what the database says."""
        if not is_unwanted:
            self._wish.clear()
        elif not self._wish.is_set():
            self._wish.set()
            self._asks, self._next, self._said = 0, 0.0, "It could not be asked."
            self.is_accepted = False

    @property
    def is_wished(self) -> bool:
        return self._wish.is_set()

    async def unless_wished(self, rest: Coroutine[Any, Any, None]) -> None:
        """Rest before the next poll; a wish that comes meanwhile ends the rest."""
        if self.is_wished:
            await rest
            return
        either = {asyncio.create_task(rest), asyncio.create_task(self._wish.wait())}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in either:
                task.cancel()

    async def press(self, engaged: Engaged, *, is_working: bool) -> None:
        """Have the provider stop its work, or give that up once its time is over."""
        if not self.is_wished:
            return
        why = f"{engaged.model.alias} has not cancelled it in time. {self._said}"
        may_ask = is_working and self._asks < ASKS and time.monotonic() >= self._next
        if may_ask and not self._asks:  # however long the wish had to wait for a worker
            await self._ask(engaged)
        elif await self._office.write(lifecycle.go_on, self._job, why=why):
            self._wish.clear()
        elif may_ask:
            await self._ask(engaged)

    async def _ask(self, engaged: Engaged) -> None:
        status, said = await asking.to_stop(engaged, self._office)
        self._asks = ASKS if status or not said else self._asks + 1
        self._next = time.monotonic() + FIRST_PAUSE * 2**self._asks
        self._said = f"Asked last, it said: {said or 'it has no way to'}."
        self.is_accepted = 200 <= status < 300
        message = f"{engaged.model.alias} was asked to cancel it: {said or 'it has no way to'}"
        await self._office.write(timeline.tell, self._job, "withdraw", message=message)
