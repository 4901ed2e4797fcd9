"""django-q2's broker on Redis: a message is sent when the transaction that sends it has committed.

Beside what the engine's own Redis broker does: what a cluster has taken stays in Redis until it is done with,
delays, no hoarding, patience with a Redis that is away. What is lost with Redis itself, the sweep finds.
"""

import datetime
import functools
import itertools
import logging
import time
import uuid
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django_q.brokers import Broker as Base
from django_q.conf import Conf
from django_q.signing import SignedPackage
from redis import RedisError

from base.outages import AWAY
from jobs import redis_lists, workers
from jobs.broker import AWAY_SECONDS, NOW, UNREADABLE
from jobs.models import Job, Worker

logger = logging.getLogger(__name__)

MOST_LOST = 1000
PAGE = 20_000  # jobs that are looked for at once: each page reads the ids in Redis once more


class Broker(Base):  # type: ignore[misc]
    """Messages of one queue, served oldest first.

    `delay` is how long the messages sent through this instance wait before they are served, `job_id` the job
    they are about; with `first` they are served before all that wait.
    """

    def __init__(
        self,
        list_key: str | None = None,
        *,
        delay: datetime.timedelta = NOW,
        job_id: uuid.UUID | None = None,
        first: bool = False,
    ) -> None:
        super().__init__(list_key)
        self._delay = delay
        self._job_id = job_id
        self._first = first
        self._given: set[str] = set()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._delay, self._job_id, self._first, self._given = NOW, None, False, set()

    def enqueue(self, task: str) -> None:
        """Send a task once the caller's transaction has committed, if Redis takes it then."""
        transaction.on_commit(functools.partial(self._send, f"{self._job_id or ''}|{task}"))

    def _send(self, message: str) -> None:
        try:
            redis_lists.send(self.list_key, message, delay=self._delay, first=self._first)
        except RedisError as error:
            logger.warning("Redis does not answer, the sweep will wake job %s: %s", self._job_id, error)

    def dequeue(self) -> list[tuple[str, str]] | None:
        """Return the oldest message, or None after a pause. A Redis or database that is away is waited for.

        Raising would end the pusher, which the supervisor takes for a death of the whole cluster.
        """
        try:
            connection.close_if_unusable_or_obsolete()
            message = self._take()
        except AWAY as error:
            logger.warning("Redis or the database does not answer, will ask again: %s", error)
            connection.close()
            time.sleep(AWAY_SECONDS)
            return None
        if message is None:
            return None
        self._given.add(message)
        payload = message.partition("|")[2]
        return [(message, payload)] if self._is_readable(message, payload) else None

    def acknowledge(self, task_id: str) -> None:
        """Delete a message that was dealt with, however long that takes: kept, it would use up a worker.

        A cluster that is stopping doesn't wait: what it still holds is served again, and dies at `claim`.
        """
        own = workers.own_id()
        while True:
            try:
                redis_lists.remove(task_id, own)
            except RedisError as error:
                logger.warning("Redis does not answer, will acknowledge again: %s", error)
                if workers.is_known_to_stop(own):
                    return
                time.sleep(AWAY_SECONDS)
            else:
                return

    def delete(self, task_id: str) -> None:
        self.acknowledge(task_id)

    def fail(self, task_id: str) -> None:
        self.acknowledge(task_id)

    def queue_size(self) -> int:
        """Return how many messages wait to be taken; delayed ones do not. Raise RedisError."""
        return redis_lists.waiting(self.list_key)

    def has_waiting(self) -> bool:
        """Tell whether a message waits to be taken. Raise RedisError."""
        return redis_lists.waiting(self.list_key) > 0

    def lock_size(self) -> int:
        """Return how many messages are taken. Raise RedisError."""
        holders = redis_lists.holders()
        return sum(redis_lists.taken(holder) for holder, queue in holders.items() if queue == self.list_key)

    def purge_queue(self) -> Any:
        return redis_lists.purge(self.list_key)

    def delete_queue(self) -> Any:
        return self.purge_queue()

    def ping(self) -> bool:
        return True  # a cluster that starts while Redis is away waits for it

    def info(self) -> str:
        return "Redis"

    def _take(self) -> str | None:
        own = workers.own_id()
        held = redis_lists.look(self.list_key, own)
        self._given.intersection_update(held)
        if workers.is_stopping(own):
            time.sleep(redis_lists.WAIT_SECONDS)
            return None
        # A connection that breaks may have brought us one that never arrived.
        if unseen := [message for message in held if message not in self._given]:
            return unseen[0]
        # No more than the cluster has workers: what it took beyond that would wait here, though another
        # cluster may be idle.
        if len(held) >= Conf.WORKERS:
            redis_lists.wait_for_freed(own)
            return None
        return redis_lists.take(self.list_key, own)

    def _is_readable(self, message: str, payload: str) -> bool:
        # The engine's pusher would die of it.
        try:
            SignedPackage.loads(payload)
        except UNREADABLE:
            logger.exception("a message can't be read and is dropped; the sweep finds its job")
            self.acknowledge(message)
            return False
        return True


def lost(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Return those of the waiting jobs that no message is about; of many, those that were woken first.

    None while Redis is away: what it held may come back with it.
    """
    waiting = jobs.order_by("woken_at").values_list("id", flat=True).iterator(chunk_size=PAGE)
    found: list[str] = []
    try:
        while len(found) < MOST_LOST and (page := dict.fromkeys(map(str, itertools.islice(waiting, PAGE)))):
            for known in redis_lists.job_ids():
                page.pop(known, None)
            found += page
    except RedisError as error:
        logger.warning("Redis does not answer, the next sweep will look for lost jobs: %s", error)
        return jobs.none()
    return jobs.filter(id__in=found[:MOST_LOST])


def free(worker_id: str) -> int:
    """Serve what a cluster had taken that is no more; return how many messages."""
    try:
        return redis_lists.give_back(worker_id)
    except RedisError as error:
        logger.warning("Redis does not answer, the sweep will free what %s held: %s", worker_id, error)
        return 0


def free_of_the_dead(*, dry_run: bool = False) -> int:
    """Serve what clusters had taken that give no sign of life; return how many messages."""
    alive = set(Worker.objects.alive(workers.sign_of_life()).values_list("id", flat=True))
    try:
        dead = [holder for holder in redis_lists.holders() if holder not in alive]
        if dry_run:
            return sum(redis_lists.taken(holder) for holder in dead)
    except RedisError as error:
        logger.warning("Redis does not answer, the next sweep will look again: %s", error)
        return 0
    return sum(free(holder) for holder in dead)
