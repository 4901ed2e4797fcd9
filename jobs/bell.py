"""Ends the wait between two questions early, when a provider says that there is news."""

import asyncio
import time

FIRST_PAUSE = 1.0  # seconds since the last question; each ring that is heeded doubles it


class Bell:
    """For one job. However often it is rung, few more questions are asked than would have been anyway."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._heeded = 0

    def ring(self) -> None:
        """End this wait, or the next one. Only from the loop's own thread."""
        self._rung.set()

    async def rest(self, seconds: float, *, least: float = 0.0) -> None:
        """Wait for so many seconds, or until it is rung; then too for `least`, and for its pause."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        pause = max(least, FIRST_PAUSE * 2.0 ** min(self._heeded, 10))
        self._heeded += 1
        await asyncio.sleep(min(pause, seconds) - (time.monotonic() - began))
        self._rung.clear()  # whatever rang meanwhile is answered by the question that comes now
