"""What becomes of a cluster's jobs when it stops or dies: none waits for its lease to run out."""

import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from base.outages import AWAY
from jobs import lifecycle, queue, workers
from jobs.models import Job

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
TELLING = 0.01  # a share done from which the pace is worth more than the plan


class Leaving(threading.Thread):
    """Retires clusters, then gives back every job that can't be done in the time that is left.

    A thread, so that a database that hangs does not keep the supervisor from ending what it must end.
    """

    def __init__(self, worker_ids: Sequence[str], *, grace: float) -> None:
        super().__init__(name="leaving", daemon=True)
        self._worker_ids = worker_ids
        self._deadline = time.monotonic() + grace
        self._done = threading.Event()

    def run(self) -> None:
        _patiently(lambda: workers.retire(self._worker_ids))
        while not self._done.wait(LOOK_SECONDS):
            left = self._deadline - time.monotonic()
            _patiently(functools.partial(release_slow, self._worker_ids, seconds=left))
        connection.close()

    def stop(self) -> None:
        """Look at no further job."""
        self._done.set()
        self.join(timeout=LOOK_SECONDS)


def release_slow(worker_ids: Sequence[str], *, seconds: float) -> None:
    """Give back the jobs of these clusters that need longer than `seconds`."""
    for job in Job.objects.running().filter(worker__in=worker_ids).annotate(now=Now()):
        if remaining(job) > seconds and lifecycle.release(job):
            logger.info("job %s: given back, there is no time to finish it", job.id)


def remaining(job: Any) -> float:
    """Return the seconds a running job still needs: by its own pace, before that by the plan.

    `job` carries `now`, the database's clock.
    """
    elapsed: float = (job.now - job.claimed_at).total_seconds()
    if job.progress >= TELLING:
        return elapsed * (1 - float(job.progress)) / float(job.progress)
    return job.expected_seconds - elapsed if elapsed < job.expected_seconds else float("inf")


def settle(worker_ids: Sequence[str], *, died: bool) -> None:
    """Hand on what clusters held of which nothing is left.

    `died`: a job may have been the cause, so each counts one attempt, and no job can do that for ever.
    """
    for worker_id in worker_ids:
        for job in Job.objects.running().filter(worker=worker_id):
            _hand_on(job, died=died)
        queue.free(worker_id)


def settle_in_time(worker_ids: Sequence[str], *, died: bool, seconds: float) -> None:
    """Do `settle`, but wait no longer than `seconds`: leases and the sweep do the rest."""

    def work() -> None:
        _patiently(lambda: settle(worker_ids, died=died))
        connection.close()

    thread = threading.Thread(target=work, name="settling", daemon=True)
    thread.start()
    thread.join(timeout=seconds)


def _hand_on(job: Job, *, died: bool) -> None:
    handed = lifecycle.reap(job, is_dead=True) if died else lifecycle.release(job)
    if handed:
        logger.info("job %s: handed on", job.id)


def _patiently(verb: Callable[[], None]) -> None:
    try:
        verb()
    except AWAY as error:
        logger.warning("the database does not answer; leases and the sweep will hand on the jobs: %s", error)
        connection.close()
