"""django-q2's broker on a table of our own: a message commits with the job that it is about.

Beside what the engine's own database broker does: oldest first, one index whatever the backlog, delays, no
hoarding, patience with a database that is away, and on PostgreSQL workers that are told at once (NOTIFY).
"""

import contextlib
import datetime
import logging
import pickle
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django_q.brokers import Broker as Base
from django_q.conf import Conf
from django_q.signing import BadSignature, SignedPackage

from base.outages import AWAY
from jobs import clock, workers
from jobs.models import Job, Message, Worker

logger = logging.getLogger(__name__)

AWAY_SECONDS = 1.0
UNREADABLE = (
    BadSignature,
    pickle.PickleError,
    AttributeError,
    ImportError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)
COMPARE_SECONDS = 60.0  # between two looks for messages that are ours and never reached us
LISTEN_SECONDS = 1.0  # how long one look waits to be told; also how late a delayed message may be
NOW = datetime.timedelta(0)
BEFORE_ALL = datetime.timedelta(days=1)  # longer than anything waits in a queue


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
        self._delay = -BEFORE_ALL if first else delay
        self._job_id = job_id
        self._have_taken_nothing()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._delay, self._job_id = NOW, None
        self._have_taken_nothing()

    def _have_taken_nothing(self) -> None:
        self._listening_on: Any = None
        self._given: set[int] = set()
        self._compare_at = time.monotonic() + COMPARE_SECONDS

    def enqueue(self, task: str) -> Any:
        """Send a task, in the caller's transaction if there is one."""
        due = clock.from_now(self._delay)
        message = Message.objects.create(queue=self.list_key, job_id=self._job_id, payload=task, due_at=due)
        self.notify()
        return message.pk

    def dequeue(self) -> list[tuple[Any, str]] | None:
        """Return the oldest message, or None after a pause. A database that is away is waited for.

        Raising would end the pusher, which the supervisor takes for a death of the whole cluster.
        """
        try:
            connection.close_if_unusable_or_obsolete()
            self._listen()  # before the look: what comes after it is then heard of
            message = self._take()
            if message is None:
                self._wait()
        except AWAY as error:
            logger.warning("the database does not answer, will ask again: %s", error)
            connection.close()
            self._compare_at = time.monotonic()  # the commit may have been done, and its answer lost
            time.sleep(AWAY_SECONDS)
            return None
        if message is None:
            return None
        self._given.add(message.pk)
        return [(message.pk, message.payload)] if self._is_readable(message) else None

    def acknowledge(self, task_id: Any) -> None:
        """Delete a message that was dealt with, however long that takes: kept, it would use up a worker.

        A cluster that is stopping doesn't wait: what it still holds is served again, and dies at `claim`. If
        not even that can be asked, the supervisor ends the wait with the grace.
        """
        own = workers.own_id()
        while True:
            try:
                connection.close_if_unusable_or_obsolete()
                Message.objects.filter(pk=task_id).delete()
                self.notify()  # our own pusher waits for a free worker
            except AWAY as error:
                logger.warning("the database does not answer, will acknowledge again: %s", error)
                connection.close()
                if workers.is_known_to_stop(own):
                    return
                time.sleep(AWAY_SECONDS)
            else:
                return

    def delete(self, task_id: Any) -> None:
        self.acknowledge(task_id)

    def fail(self, task_id: Any) -> None:
        self.acknowledge(task_id)

    def queue_size(self) -> int:
        return Message.objects.filter(queue=self.list_key).due().count()

    def has_waiting(self) -> bool:
        return Message.objects.filter(queue=self.list_key).due().exists()

    def lock_size(self) -> int:
        return Message.objects.filter(queue=self.list_key).held().count()

    def purge_queue(self) -> Any:
        return Message.objects.filter(queue=self.list_key).delete()

    def delete_queue(self) -> Any:
        return self.purge_queue()

    def ping(self) -> bool:
        return True

    def info(self) -> str:
        return f"database ({connection.vendor})"

    def _take(self) -> Message | None:
        own = workers.own_id()
        if time.monotonic() >= self._compare_at and (unseen := self._unseen(own)):
            return unseen
        waiting = self._waiting_for(own)
        # SKIP LOCKED where there is such a thing: clusters that ask at once don't wait for each other.
        skip = connection.features.has_select_for_update_skip_locked
        if not skip and not waiting.exists():  # SQLite's one write lock is not taken to find nothing
            return None
        given_up = clock.from_now(datetime.timedelta(seconds=Conf.RETRY))
        with transaction.atomic():
            message = waiting.select_for_update(skip_locked=skip).first()
            if message is not None:
                Message.objects.filter(pk=message.pk).update(due_at=given_up, holder=own)
        return message

    def _unseen(self, own: str) -> Message | None:
        """Return a message that this cluster has taken without having heard of it."""
        stopping = Worker.objects.stopping().filter(id=own)
        held = Message.objects.filter(~Exists(stopping), queue=self.list_key, due_at__gt=Now(), holder=own)
        messages = {message.pk: message for message in held}
        self._given.intersection_update(messages)
        self._compare_at = time.monotonic() + COMPARE_SECONDS
        return next((message for pk, message in messages.items() if pk not in self._given), None)

    def _waiting_for(self, own: str) -> QuerySet[Message]:
        # No more than the cluster has workers: what it took beyond that would wait here, though another
        # cluster may be idle. And nothing once it is stopping. Asked in the one statement that takes.
        taken = Message.objects.filter(queue=self.list_key, due_at__gt=Now(), holder=own)
        as_many_as_workers = taken[Conf.WORKERS - 1 : Conf.WORKERS]
        may = ~Exists(Worker.objects.stopping().filter(id=own)) & ~Exists(as_many_as_workers)
        return Message.objects.filter(may, queue=self.list_key).due().oldest_first()

    def _is_readable(self, message: Message) -> bool:
        # The engine's pusher would die of it, be reborn, and be given the same message again.
        try:
            SignedPackage.loads(message.payload)
        except UNREADABLE:
            logger.exception("message %s can't be read and is dropped; the sweep finds its job", message.pk)
            self.acknowledge(message.pk)
            return False
        return True

    def _channel(self) -> str:
        return f"jobs_{self.list_key}"

    def notify(self) -> None:
        """Have whoever waits for this queue look again, once the caller's transaction is committed."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, '')", [self._channel()])

    def _listen(self) -> None:
        if connection.vendor != "postgresql":
            return
        connection.ensure_connection()
        if self._listening_on is not connection.connection:  # it was opened anew
            with connection.cursor() as cursor:
                cursor.execute(f'LISTEN "{self._channel()}"')
            self._listening_on = connection.connection

    def _wait(self) -> None:
        if connection.vendor != "postgresql":
            time.sleep(Conf.POLL)
            return
        heard = self._listening_on.notifies(timeout=LISTEN_SECONDS, stop_after=1)
        with connection.wrap_database_errors, contextlib.closing(heard):
            next(heard, None)


def lost(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Return those of the waiting jobs that no message is about, or only one that has led to nothing.

    A cluster takes a message when a worker is free, which claims the job at once. If the job waits a while
    later, the message went astray, and its holder may live on without knowing of it.
    """
    # Taking a message makes it due RETRY seconds later: that is how long ago it was.
    just_taken = Q(due_at__gt=clock.from_now(datetime.timedelta(seconds=Conf.RETRY) - settings.REQUEUE_AFTER))
    hopeful = Message.objects.filter(Q(holder="") | just_taken, job_id=OuterRef("id"))
    return jobs.exclude(Exists(hopeful))


def free(worker_id: str) -> int:
    """Serve what a cluster had taken that is no more, before all that wait; return how many messages."""
    held = Message.objects.filter(holder=worker_id)
    queues = set(held.values_list("queue", flat=True))
    number = held.update(holder="", due_at=clock.from_now(-BEFORE_ALL))
    for queue in queues:
        Broker(queue).notify()
    return number


def free_of_the_dead(*, dry_run: bool = False) -> int:
    """Serve what clusters had taken that give no sign of life; return how many messages."""
    alive = Worker.objects.alive(workers.sign_of_life()).filter(id=OuterRef("holder"))
    dead = Message.objects.held().exclude(Exists(alive))
    holders = set(dead.values_list("holder", flat=True))
    return dead.count() if dry_run else sum(free(holder) for holder in holders)
