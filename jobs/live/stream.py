"""What a client gets of an event stream, as the HTML standard's section on Server-Sent Events has it."""

import asyncio
import datetime
import random
import uuid
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from django.conf import settings

from jobs.live.hub import HUB
from jobs.live.listener import Listener
from jobs.live.updates import Update

RETRY = b"retry: 2000\n\n"  # milliseconds until a client comes again
PING = b": ping\n\n"
SHORTEST_SILENCE = 0.1  # seconds, whatever is set
GRACE_SECONDS = 15.0  # beyond its life, in which a client that reads slowly may take what is on the way


class EventStream(Listener):
    """The messages of one stream: first those of `updates`, then of each job that changes.

    A stream of one job (`job_id`) ends with the message that says how the job ended.
    """

    def __init__(
        self,
        user_id: uuid.UUID,
        job_id: uuid.UUID | None = None,
        *,
        updates: Iterable[Update],
        line: int = 0,
        at: datetime.datetime | None = None,
    ) -> None:
        """`line`: the newest that the client was told of. Jobs that had ended `at` that time are no news."""
        super().__init__(user_id, job_id)
        self._line = line
        self._at: datetime.datetime | None = None
        self._looks: dict[uuid.UUID, tuple[Any, ...]] = {}
        self._pending: dict[uuid.UUID, Update] = {}
        self._is_over = False
        for update in updates:
            self.hear(update)
        self._at = at
        self.listen()

    @property
    def longest(self) -> float:
        return float(settings.STREAM_SECONDS) + GRACE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether all that there will ever be has been told."""
        return self._is_over

    def offer(self, update: Update) -> bool:
        look = self._looks.get(update.job_id)
        if look is None and update.finished_at and self._at and update.finished_at < self._at:
            return False
        self._looks[update.job_id] = update.look
        if look == update.look:
            return False
        self._pending[update.job_id] = update  # in place of what was not sent yet: told is how it stands now
        return True

    def head(self) -> bytes:
        """Return the beginning: what is known already, and of all jobs where to go on if that is nothing."""
        # An id without data is kept by who reads events. The stream of one job always begins with a message.
        place = b"" if self.job_id else f"id: {self._line}\n\n".encode()
        return RETRY + place + b"".join(self._messages())

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Give what comes after the head, until the job has ended or the stream's life is over."""
        loop = asyncio.get_running_loop()
        # Not all at the same moment, though they may have been opened so, when a server was replaced.
        ends_at = loop.time() + settings.STREAM_SECONDS * random.uniform(0.9, 1)  # noqa: S311 - no secret
        silence = max(settings.STREAM_PING_SECONDS, SHORTEST_SILENCE)
        with HUB.listening(self):
            while not (self.is_ended or self._is_over) and (left := ends_at - loop.time()) > 0:
                if await self.woken(min(silence, left)):
                    for message in self._messages():
                        yield message
                else:
                    yield PING

    def _messages(self) -> list[bytes]:
        # The client comes back with the id of the last one: by then it must have had those before it.
        updates = sorted(self._pending.values(), key=lambda update: update.line)
        self._pending.clear()
        return [self._message(update) for update in updates]

    def _message(self, update: Update) -> bytes:
        self._line = max(self._line, update.line)
        self._is_over = update.is_final and self.job_id is not None
        return f"event: job\nid: {self._line}\ndata: {update.body}\n\n".encode()
