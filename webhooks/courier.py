"""Sends messages: one thread that asks the database, and one for each message under way, which does not.

Each supervisor runs one, so several share the work. Receivers that fail or are slow get half of the places at
most, and each receiver only a few: nobody waits for somebody else's server.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from django.db import connection

from base.outages import AWAY
from webhooks import deliveries, outbox, sending
from webhooks.sending import Outcome, Parcel

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
TIDY_SECONDS = 30.0
STOP_SECONDS = 5.0  # for what is under way; the rest is sent again by another, once its lease is over


class Courier:
    """Runs until it is stopped. What it had not noted by then is sent again: at least once, never lost."""

    name = "courier"

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._answers: queue.SimpleQueue[tuple[Parcel, Outcome] | None] = queue.SimpleQueue()
        self._under_way: dict[object, Parcel] = {}
        self._to_note: list[tuple[Parcel, Outcome]] = []
        self._untold: set[int] = set()
        self._tidied = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether it goes on."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Send nothing more, and wait a moment for what is under way."""
        self._stopping.set()
        self._answers.put(None)  # wakes it
        self._thread.join(timeout=STOP_SECONDS + LOOK_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            is_more = _endure(self._turn)
            self._hear(0 if is_more else LOOK_SECONDS)
        end = time.monotonic() + STOP_SECONDS
        _endure(self._note)
        while (self._under_way or self._to_note) and (left := end - time.monotonic()) > 0:
            self._hear(min(left, LOOK_SECONDS))
            _endure(self._note)
        connection.close()

    def _turn(self) -> bool:
        """Do all that is to be done now; return whether there is more news than that."""
        self._note()
        told = outbox.fan_out(but=self._untold)
        if time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._untold.clear()  # once more, now and then
            deliveries.give_up()
        self._send()
        return told == outbox.BATCH

    def _send(self) -> None:
        for parcel in deliveries.take(self._under_way.values()):
            self._under_way[parcel.claim] = parcel
            # a daemon: a receiver that says nothing must not hold up the end of the process
            thread = threading.Thread(target=self._carry, args=[parcel], name="webhook", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no room for another thread: tried again like any that failed
                self._answers.put((parcel, sending.fault()))

    def _carry(self, parcel: Parcel) -> None:
        self._answers.put((parcel, _sent(parcel)))

    def _hear(self, seconds: float) -> None:
        """Wait for an answer, and take along those that are there by then."""
        try:
            answer = self._answers.get(timeout=seconds)
            while True:
                if answer:
                    del self._under_way[answer[0].claim]
                    self._to_note.append(answer)
                answer = self._answers.get_nowait()
        except queue.Empty:
            pass

    def _note(self) -> None:
        while self._to_note:
            _alone(*self._to_note[0])
            del self._to_note[0]  # not before it is noted: the database may be away


def _sent(parcel: Parcel) -> Outcome:
    try:
        return sending.send(parcel)
    except Exception:  # an outer edge: a thread that ends without a word would keep its place for ever
        logger.exception("delivery %s could not be sent", parcel.delivery_id)
        return sending.fault()


def _alone(parcel: Parcel, outcome: Outcome) -> None:
    """Note the answer; if that can't be, whatever it is, at least that there was a try."""
    for to_note in (outcome, sending.fault()):
        try:
            deliveries.record(parcel, to_note)
        except AWAY:
            raise
        except Exception:  # an outer edge: the others are noted; it is sent again once its lease is over
            logger.exception("delivery %s: its answer could not be noted", parcel.delivery_id)
        else:
            return


def _endure(verb: Callable[[], object]) -> object:
    try:
        return verb()
    except AWAY as error:
        logger.warning("the database does not answer, will try again: %s", error)
        connection.close()
    except Exception:  # the outer edge: receivers are no reason to end a supervisor and its jobs
        logger.exception("the courier was cut short, will go on")
        connection.close()
    return None
