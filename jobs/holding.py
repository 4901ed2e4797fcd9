"""A worker's hold on its job: progress and lease, through a database that may be away for a moment."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import connection

from base.outages import AWAY
from jobs import lifecycle
from jobs.models import Job

logger = logging.getLogger(__name__)

WRITE_EVERY = 0.5  # seconds between writes of progress
PAUSE = 1.0
Result = TypeVar("Result")


class Hold:
    """Keeps a claimed job. What can't be written is endured as long as the lease can still be ours."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._tried = time.monotonic()
        self._renewed = time.monotonic()

    def report(self, share: float, step: str) -> None:
        """Write progress and renew the lease, at most every half second. Raise JobLost."""
        if time.monotonic() - self._tried >= WRITE_EVERY:
            self.renew(share, step)

    def renew(self, share: float, step: str) -> None:
        """Write progress and renew the lease now. Raise JobLost."""
        self._tried = time.monotonic()
        try:
            lifecycle.progress(self._job, share=share, step=step)
        except AWAY as error:
            self._endure(error)
        else:
            self._renewed = time.monotonic()

    def insist(self, verb: Callable[[], Result]) -> Result:
        """Return what `verb` returns, calling it again while the database is away. Raise what it raises."""
        while True:
            try:
                return verb()
            except AWAY as error:
                self._endure(error)
                time.sleep(PAUSE)

    def _endure(self, error: Exception) -> None:
        connection.close()
        if time.monotonic() - self._renewed > settings.JOB_LEASE.total_seconds():
            raise error  # somebody else may have the job by now
        logger.warning("job %s: the database does not answer, will try again: %s", self._job.id, error)
