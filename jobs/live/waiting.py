"""A status answer that is held until there is something new to say."""

import uuid
from typing import Any

from base import later
from jobs.live import seats
from jobs.live.hub import HUB
from jobs.live.listener import Listener
from jobs.live.updates import Update


class Held(Listener):
    """Waits until the job's status has another ETag than `etag`, at most for so many seconds."""

    def __init__(self, user_id: uuid.UUID, job_id: uuid.UUID, *, etag: str, seconds: float) -> None:
        super().__init__(user_id, job_id)
        self._etag = etag
        self._seconds = seconds
        self.listen()

    def offer(self, update: Update) -> bool:
        return update.etag != self._etag

    async def wait(self) -> None:
        """Return when there is news, when the time is up, or when the process is to stop."""
        with HUB.listening(self):
            if not self.is_ended:
                await self.woken(self._seconds)


def hold(request: Any, job: Any, *, etag: str, seconds: float) -> None:
    """Have the request answered when there is news, unless it was held already. Raise TooManyStreams."""
    left = later.of(request)
    if left and not left.was_paused:
        left.keep(seats.taken(job.user_id))
        left.pause = Held(job.user_id, job.id, etag=etag, seconds=seconds)
