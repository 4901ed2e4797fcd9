"""The supervisor's sweep: every minute somewhere, whatever the workers are busy with."""

import logging
import threading

from django.db import connection

from base.outages import AWAY
from jobs import housekeeping

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


class Sweeper(threading.Thread):
    """Does the housekeeping that is due, in the supervisor: in the queue it would wait behind the backlog.

    Of many supervisors the first one to see that it is due does it.
    """

    def __init__(self) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                housekeeping.sweep_if_due()
            except (*AWAY, OSError) as error:
                logger.warning("the sweep was cut short, will go on: %s", error)
                connection.close()
            self._stopping.wait(LOOK_SECONDS)
        connection.close()

    def stop(self) -> None:
        """Begin no further sweep."""
        self._stopping.set()
        self.join(timeout=LOOK_SECONDS)
