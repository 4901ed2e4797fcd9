"""What all who listen have in common: whom they hear of, and how they wait. They live in the event loop."""

import asyncio
import time
import uuid

from jobs.live.updates import Update


class Listener:
    """Hears of all jobs of a user, or of one; `offer` says which of that is news."""

    def __init__(self, user_id: uuid.UUID, job_id: uuid.UUID | None = None) -> None:
        self.user_id = user_id
        self.job_id = job_id
        self.is_ended = False
        self.queued: set[uuid.UUID] = set()  # jobs whose place in the queue is of interest
        self._since = 0.0
        self._woken = asyncio.Event()

    def listen(self) -> None:
        """Take no update from a look that began earlier: it may be older than what the client knows."""
        self._since = time.monotonic()

    def hear(self, update: Update) -> None:
        """Take an update of one of the user's jobs."""
        if self.job_id not in (None, update.job_id) or update.looked_at < self._since:
            return
        if update.is_queued:
            self.queued.add(update.job_id)
        else:
            self.queued.discard(update.job_id)
        if self.offer(update):
            self._woken.set()

    def offer(self, update: Update) -> bool:
        """Return whether this is news, and keep it."""
        raise NotImplementedError

    def end(self) -> None:
        """Come to an end soon."""
        self.is_ended = True
        self._woken.set()

    async def woken(self, seconds: float) -> bool:
        """Wait for news or the end. Return whether it came in this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True
