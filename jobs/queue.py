"""Waking workers through django-q2; with `supervisor` the only module that knows it."""

import uuid

from django_q.brokers import get_broker
from django_q.models import Schedule
from django_q.tasks import async_task

SWEEP = "sweep"


def wake(job_id: uuid.UUID) -> None:
    """Tell the workers of a waiting job. The message commits with the caller's transaction.

    It carries only the id and is a hint: a lost one is found by the sweep, a doubled one dies at `claim`.
    """
    async_task("jobs.tasks.run_job", str(job_id))


def ask_pulse(name: str = "") -> None:
    """Ask for a sign of life: whichever cluster takes this task notes its own."""
    async_task("jobs.tasks.pulse", cluster=name or None)


def ask_sweep(name: str = "") -> None:
    """Ask for one round of housekeeping now."""
    async_task("jobs.tasks.sweep", cluster=name or None)


def waiting(name: str = "") -> int:
    """Return how many messages no worker has taken yet, of the named queue or ("") the default one."""
    return int(get_broker(name or None).queue_size())


def ensure_schedule() -> None:
    """Have the sweep run every minute. Safe to call from every worker cluster at its start."""
    Schedule.objects.get_or_create(
        name=SWEEP,
        defaults={"func": "jobs.tasks.sweep", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )
