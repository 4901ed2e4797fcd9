"""All who listen in this process: told of what has changed by one look for all of them.

One task, as long as somebody listens: it hears that jobs have changed (`news`), looks at them in a thread
whose connection is closed afterwards (`updates`), and tells those who listen. No listener holds a connection.
"""

import asyncio
import contextlib
import contextvars
import logging
import time
import uuid
from collections.abc import Iterator

from django.db import connection

from base.outages import AWAY
from jobs.live import news, updates
from jobs.live.agenda import Agenda, Points
from jobs.live.listener import Listener
from jobs.live.updates import Update

logger = logging.getLogger(__name__)

GAP_SECONDS = 0.1  # between two looks: what changes meanwhile is seen by the next one
AWAY_SECONDS = 1.0
TICK_SECONDS = 1.0  # between two looks at the clock


class Hub:
    """Those who listen, by user. Only the event loop touches it."""

    def __init__(self) -> None:
        self._listeners: dict[uuid.UUID, set[Listener]] = {}
        self._agenda = Agenda()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Have it told of what changes, and of what has changed since it was made."""
        own = self._listeners.setdefault(listener.user_id, set())
        own.add(listener)
        self._attend(listener)
        try:
            yield
        finally:
            own.discard(listener)
            if not own and self._listeners.get(listener.user_id) is own:
                del self._listeners[listener.user_id]

    def _attend(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._agenda = Agenda()
            # A context of its own: else its log lines would carry the id of the request that came first.
            self._task = loop.create_task(self._run(), context=contextvars.Context())
        if listener.job_id is None:
            self._agenda.look_at_users([listener.user_id], since=time.monotonic())
        else:
            self._agenda.look_at_job(listener.job_id)

    async def _run(self) -> None:
        hearing = asyncio.create_task(self._hear())
        try:
            while self._listeners and not hearing.done():
                await self._round()
        finally:
            self._task = None  # who comes from now on begins anew
            for listener in self._all():  # some only after a mistake of ours: their clients come again
                listener.end()
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
        if not hearing.cancelled():
            hearing.result()

    async def _hear(self) -> None:
        async with contextlib.aclosing(news.heard()) as heard:
            async for each in heard:
                if isinstance(each, news.Missed):
                    self._agenda.look_at_users(self._listeners, since=each.since)
                elif self._is_listened_to(each):
                    self._agenda.look_at_job(each.job_id)

    def _is_listened_to(self, changed: news.Changed) -> bool:
        own = self._listeners.get(changed.user_id, ())
        return any(listener.job_id in (None, changed.job_id) for listener in own)

    async def _round(self) -> None:
        await self._agenda.wait(TICK_SECONDS)
        self._agenda.add_what_is_due(self._all())
        looks = self._agenda.take()
        if not looks:
            return
        seen = [await self._look(points) for points in looks]
        await asyncio.sleep(GAP_SECONDS if any(seen) else AWAY_SECONDS)

    async def _look(self, points: Points) -> bool:
        """Tell how these stand. Return whether that could be seen."""
        begun = time.monotonic()
        try:
            found = await asyncio.to_thread(_look, points)
        except AWAY as error:
            logger.warning("the database does not answer, will look again for those who listen: %s", error)
            self._agenda.failed(points, seconds=time.monotonic() - begun)
            return False
        self._agenda.looked_at(points, seconds=time.monotonic() - begun)
        self._tell(found)
        return True

    def _tell(self, found: list[Update]) -> None:
        for update in found:
            for listener in self._listeners.get(update.user_id, ()):
                listener.hear(update)

    def _all(self) -> list[Listener]:
        return [listener for own in self._listeners.values() for listener in own]


HUB = Hub()


def _look(points: Points) -> list[Update]:
    try:
        if points.users:
            return updates.of_users(points.users, since=points.since)
        return updates.of_jobs(points.jobs)
    finally:
        connection.close()
