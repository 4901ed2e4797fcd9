"""Waking workers through django-q2; with `broker` the only module that knows it."""

import datetime
import uuid

from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Failure
from django_q.tasks import async_task

from jobs.broker import Broker

NOW = datetime.timedelta(0)


def wake(job_id: uuid.UUID, *, delay: datetime.timedelta = NOW) -> None:
    """Tell the workers of a waiting job, after `delay`. The message commits with the caller's transaction.

    It carries only the id and is a hint: a lost one is found by the sweep, a doubled one dies at `claim`.
    """
    async_task("jobs.tasks.run_job", str(job_id), broker=Broker(delay=delay))


def ask_pulse(name: str = "") -> None:
    """Ask for a sign of life: whichever cluster takes this task notes its own."""
    async_task("jobs.tasks.pulse", cluster=name or None)


def waiting(name: str = "") -> int:
    """Return how many messages no worker has taken yet, of the named queue or ("") the default one."""
    return int(get_broker(name or None).queue_size())


def forget_failures(age: datetime.timedelta, *, dry_run: bool = False) -> int:
    """Delete the engine's own notes of failed tasks older than `age`; return how many."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - age)
    return int(old.count() if dry_run else old.delete()[0])
