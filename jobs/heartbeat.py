"""Asks a cluster for signs of life, and notices when it gives none while work waits.

The second net under `cluster`: it catches a wedge in which every process is still there.
"""

import datetime
import logging
import threading
import time

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection

from base.outages import AWAY
from jobs import queue, workers

logger = logging.getLogger(__name__)

HELD_UP = 2.0  # times the pause


class Heartbeat(threading.Thread):
    """Announces the cluster, then asks for a pulse every `WORKER_PULSE_SECONDS`.

    A thread, so that a database that hangs does not keep the supervisor from watching its processes. No
    verdict is made on what could not be asked: an outage starts the count anew.
    """

    def __init__(self, worker_id: str, *, queue_name: str, processes: int, timeout: float) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.silent = threading.Event()
        self._worker_id = worker_id
        self._queue_name = queue_name
        self._processes = processes
        self._timeout = timeout
        self._stopping = threading.Event()
        self._counting = threading.Event()
        self._heard = time.monotonic()  # stands still while the machine sleeps, unlike the database's clock

    def count(self) -> None:
        """Count silence from now on: while a cluster starts, it says nothing."""
        if not self._counting.is_set():
            self._heard = time.monotonic()
            self._counting.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except (DatabaseFailure, *AWAY) as error:
                logger.warning("the database or the queue does not answer, will ask again: %s", error)
                connection.close()
                self._heard = time.monotonic()
            self._rest()
        try:
            workers.forget(self._worker_id)
        except DatabaseFailure as error:
            logger.warning("could not sign off, the row will age out: %s", error)
        connection.close()

    def stop(self) -> None:
        """Ask no more, and take the cluster off the list of the living, if the database answers in time."""
        self._stopping.set()
        self.join(timeout=settings.WORKER_PULSE_SECONDS)

    def _rest(self) -> None:
        """Wait for the next turn. If that takes far too long, the machine was held up, its cluster too: the
        count starts anew.
        """
        begun = time.monotonic()
        self._stopping.wait(settings.WORKER_PULSE_SECONDS)
        if time.monotonic() - begun > HELD_UP * settings.WORKER_PULSE_SECONDS:
            self._heard = time.monotonic()

    def _turn(self) -> None:
        asked_at = time.monotonic()
        workers.beat_by_lease(self._worker_id)
        silence = workers.silence(self._worker_id)
        if (
            silence is None
        ):  # the first turn, or an outage made it look dead for so long that it was forgotten
            workers.register(self._worker_id, queue=self._queue_name, processes=self._processes)
            silence = datetime.timedelta(0)
        if queue.any_waiting(self._queue_name):
            # Something waits that this cluster could take: it is busy and says so, or it is wedged.
            self._heard = max(self._heard, asked_at - silence.total_seconds())
        else:
            # Nothing is asked of it, so it is well: an idle cluster would seem dead if another one, nearer to
            # the database, took each pulse. Only one that nobody takes tells of a wedge.
            workers.beat(self._worker_id)
            self._heard = asked_at
            queue.ask_pulse(self._queue_name)
        if self._counting.is_set() and time.monotonic() - self._heard > self._timeout:
            self.silent.set()
