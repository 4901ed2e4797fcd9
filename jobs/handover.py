"""What becomes of a cluster's jobs when it stops or dies: none waits for its lease to run out."""

import dataclasses
import functools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from base.outages import AWAY
from jobs import lifecycle, queue, singly, workers
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
        # Until then nothing is given back: they might claim it again.
        while not _patiently(lambda: workers.retire(self._worker_ids)):
            if self._done.wait(LOOK_SECONDS):
                break
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
    jobs = Job.objects.running().filter(worker__in=worker_ids).annotate(now=Now())
    singly.each([job for job in jobs if remaining(job) > seconds], _give_back)


def _give_back(job: Job) -> bool:
    if not lifecycle.release(job):
        return False
    logger.info("job %s: given back, there is no time to finish it", job.id)
    return True


def remaining(job: Any) -> float:
    """Return the seconds a running job still needs: by its own pace, before that by the plan.

    `job` carries `now`, the database's clock.
    """
    elapsed: float = (job.now - job.claimed_at).total_seconds()
    if job.progress >= TELLING:
        return elapsed * (1 - float(job.progress)) / float(job.progress)
    return job.expected_seconds - elapsed if elapsed < job.expected_seconds else float("inf")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a cluster ended: whether it `died`, and which jobs the process that died first had at work.

    A job may be what killed it, so the suspects lose an attempt, or all its jobs if there is no suspect: no
    job can go on killing clusters for ever. Its neighbours lose only what was rendered, as do the jobs of a
    cluster that was ended for what no job of its own can have caused.
    """

    worker_id: str
    died: bool = False
    suspects: Set[uuid.UUID] = frozenset()

    def hand_on(self, job: Job) -> bool:
        """Let another worker have the job. Return whether it was still this cluster's."""
        is_blamed = self.died and (not self.suspects or job.id in self.suspects)
        handed = lifecycle.reap(job, is_dead=True) if is_blamed else lifecycle.release(job)
        if handed:
            logger.info("job %s: handed on", job.id)
        return handed


def settle(ends: Iterable[End]) -> None:
    """Hand on what clusters held of which nothing is left."""
    for end in ends:
        singly.each(Job.objects.running().filter(worker=end.worker_id), end.hand_on)
        queue.free(end.worker_id)


def settle_in_time(ends: Sequence[End], *, seconds: float) -> None:
    """Do `settle`, but wait no longer than `seconds`: leases and the sweep do the rest."""

    def work() -> None:
        _patiently(functools.partial(settle, ends))
        connection.close()

    thread = threading.Thread(target=work, name="settling", daemon=True)
    thread.start()
    thread.join(timeout=seconds)


def _patiently(verb: Callable[[], None]) -> bool:
    """Return whether it went through."""
    try:
        verb()
    except (DatabaseError, *AWAY) as error:
        logger.warning("the database does not answer; leases and the sweep will hand on the jobs: %s", error)
        connection.close()
        return False
    return True
