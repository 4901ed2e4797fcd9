"""Waking workers through django-q2; with the brokers the only module that knows it."""

import datetime
import uuid

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Failure
from django_q.tasks import async_task

from jobs import workers
from jobs.broker import Broker
from jobs.models import Job, Message, Worker

NOW = datetime.timedelta(0)


def wake(job_id: uuid.UUID, *, queue: str, delay: datetime.timedelta = NOW) -> None:
    """Tell the workers of a queue of a waiting job, after `delay`. It commits with the caller's transaction.

    The message carries only the id and is a hint: a lost one is found by the sweep, a doubled one dies at
    `claim`.
    """
    broker = Broker(queue, delay=delay, job_id=job_id)
    async_task("jobs.tasks.run_job", str(job_id), broker=broker)


def ask_pulse(queue: str) -> None:
    """Ask for a sign of life: whichever cluster takes this task notes its own."""
    async_task("jobs.tasks.pulse", cluster=queue)


def own_name() -> str:
    """Return the name of the queue that this process serves."""
    return str(Conf.CLUSTER_NAME)


def waiting(queue: str) -> int:
    """Return how many messages of a queue no worker has taken yet."""
    return int(get_broker(queue).queue_size())


def lost(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Return those of the waiting jobs that no message is about."""
    return jobs.exclude(Exists(Message.objects.filter(job_id=OuterRef("id"))))


def free(worker_id: str) -> int:
    """Serve what a cluster had taken that is no more; return how many messages."""
    held = Message.objects.filter(holder=worker_id)
    queues = set(held.values_list("queue", flat=True))
    number = held.update(holder="", due_at=Now())
    for queue in queues:
        Broker(queue).notify()
    return number


def free_of_the_dead(*, dry_run: bool = False) -> int:
    """Serve what clusters had taken that give no sign of life; return how many messages."""
    alive = Worker.objects.alive(workers.sign_of_life()).filter(id=OuterRef("holder"))
    dead = Message.objects.held().exclude(Exists(alive))
    holders = set(dead.values_list("holder", flat=True))
    return dead.count() if dry_run else sum(free(holder) for holder in holders)


def forget_failures(age: datetime.timedelta, *, dry_run: bool = False) -> int:
    """Delete the engine's own notes of failed tasks older than `age`; return how many."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - age)
    return int(old.count() if dry_run else old.delete()[0])
