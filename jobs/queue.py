"""Waking workers through django-q2, by the broker that QUEUE_BROKER names.

With the brokers the only module that knows the engine.
"""

import datetime
import uuid
from typing import Any, Protocol

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure
from django_q.tasks import async_task

from jobs import broker as database_broker
from jobs import redis_broker
from jobs.models import Job

NOW = datetime.timedelta(0)


class Place(Protocol):
    """Where messages are kept: what a broker's module offers."""

    Broker: Any

    def lost(self, jobs: QuerySet[Job]) -> QuerySet[Job]: ...
    def free(self, worker_id: str) -> int: ...
    def free_of_the_dead(self, *, dry_run: bool = False) -> int: ...


_PLACES: dict[str, Place] = {"database": database_broker, "redis": redis_broker}


def wake(job_id: uuid.UUID, *, queue: str, delay: datetime.timedelta = NOW, first: bool = False) -> None:
    """Tell the workers of a queue of a waiting job, after `delay`, if the caller's transaction commits.

    With `first` it is served before all that wait: it had its turn already.

    The message carries only the id and is a hint: a lost one is found by the sweep, a doubled one dies at
    `claim`.
    """
    broker = _place().Broker(queue, delay=delay, job_id=job_id, first=first)
    async_task("jobs.tasks.run_job", str(job_id), broker=broker)


def ask_pulse(queue: str) -> None:
    """Ask for a sign of life: whichever cluster takes this task notes its own."""
    async_task("jobs.tasks.pulse", broker=_place().Broker(queue))


def own_name() -> str:
    """Return the name of the queue that this process serves."""
    return str(Conf.CLUSTER_NAME)


def waiting(queue: str) -> int:
    """Return how many messages of a queue no worker has taken yet. Raise what tells of an outage (`AWAY`)."""
    return int(_place().Broker(queue).queue_size())


def any_waiting(queue: str) -> bool:
    """Tell whether a queue has a message that no worker has taken yet. Raise what tells of an outage."""
    return bool(_place().Broker(queue).has_waiting())


def lost(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Return those of the waiting jobs that no message is about; not all at once if they are many."""
    return _place().lost(jobs)


def free(worker_id: str) -> int:
    """Serve what a cluster had taken that is no more; return how many messages."""
    return _place().free(worker_id)


def free_of_the_dead(*, dry_run: bool = False) -> int:
    """Serve what clusters had taken that give no sign of life; return how many messages."""
    return _place().free_of_the_dead(dry_run=dry_run)


def forget_failures(age: datetime.timedelta, *, dry_run: bool = False) -> int:
    """Delete the engine's own notes of failed tasks older than `age`; return how many."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - age)
    return int(old.count() if dry_run else old.delete()[0])


def _place() -> Place:
    return _PLACES[settings.QUEUE_BROKER]
