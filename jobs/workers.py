"""Worker clusters' signs of life, by the database's clock."""

import datetime
import os
import re
import socket
from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from base import processes
from base.outages import AWAY
from jobs.models import Job, Worker

FORGET_AFTER = datetime.timedelta(hours=1)


def own_id() -> str:
    """Return the name of the cluster this process belongs to."""
    return os.environ.get("VIDEOAPI_WORKER") or f"{socket.gethostname()}-{os.getpid()}"


def sign_of_life() -> datetime.timedelta:
    """Return for how long a worker that says nothing still counts as alive."""
    return datetime.timedelta(seconds=6 * settings.WORKER_PULSE_SECONDS)


def register(worker_id: str, *, queue: str, processes: int) -> None:
    """Announce a cluster."""
    Worker.objects.update_or_create(
        id=worker_id, defaults={"queue": queue, "processes": processes, "seen_at": Now()}
    )


def beat(worker_id: str) -> None:
    """Note a sign of life of a cluster that is announced."""
    Worker.objects.filter(id=worker_id).update(seen_at=Now())


def beat_by_lease(worker_id: str) -> None:
    """Take a lease that is kept up for a sign of life: deep in long renders a cluster answers no pulse."""
    if Job.objects.running().filter(worker=worker_id, lease_expires_at__gt=Now()).exists():
        beat(worker_id)


def silence(worker_id: str) -> datetime.timedelta | None:
    """Return the time since the cluster's last sign of life; None if it is not announced, or forgotten."""
    times = Worker.objects.filter(id=worker_id).values_list("seen_at", Now()).first()
    return times[1] - times[0] if times else None


def queues_served_here() -> set[str]:
    """Return the queues whose clusters on this machine give signs of life."""
    ours = re.compile(rf"{re.escape(processes.host())}-\d+-[0-9a-f]{{8}}-")  # as `processes.new_id` begins
    alive = Worker.objects.alive(sign_of_life()).values_list("id", "queue")
    return {queue for worker_id, queue in alive if ours.match(worker_id)}


def serve(queue: str) -> bool:
    """Tell whether any living cluster serves the queue."""
    return Worker.objects.alive(sign_of_life()).serving(queue).exists()


def retire(worker_ids: Iterable[str]) -> None:
    """Have clusters take no more messages and claim no more jobs.

    One that is not announced, or forgotten, gets a row that serves nothing: only a row can stop it.
    """
    stopping = {"stopping_at": Now()}
    for worker_id in worker_ids:
        Worker.objects.update_or_create(
            id=worker_id, defaults=stopping, create_defaults={"queue": "", "processes": 0, **stopping}
        )


def is_stopping(worker_id: str) -> bool:
    """Tell whether the cluster was retired."""
    return Worker.objects.stopping().filter(id=worker_id).exists()


def is_known_to_stop(worker_id: str) -> bool:
    """Tell whether the cluster was retired; not, if the database does not answer."""
    try:
        return is_stopping(worker_id)
    except AWAY:
        connection.close()
        return False


def forget(worker_id: str) -> None:
    """Remove a cluster that has stopped."""
    Worker.objects.filter(id=worker_id).delete()


def forget_dead(*, dry_run: bool = False) -> int:
    """Remove clusters that have been silent for an hour; return how many."""
    dead = Worker.objects.filter(seen_at__lt=Now() - FORGET_AFTER)
    return dead.count() if dry_run else dead.delete()[0]
