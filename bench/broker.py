"""One broker and a worker of two processes, told by lines of JSON what to measure (`bench.brokers`)."""

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_q.brokers import get_broker  # noqa: E402
from django_q.models import OrmQ  # noqa: E402
from django_q.signing import SignedPackage  # noqa: E402
from django_q.tasks import async_task  # noqa: E402

from bench import notes  # noqa: E402
from jobs import redis_lists  # noqa: E402
from jobs.models import Message  # noqa: E402
from videoapi import local  # noqa: E402
from videoapi.processes import Children, Program  # noqa: E402

SERVED, UNSERVED = "render", "nobody"
STOCK = settings.Q_CLUSTER["broker_class"] is None
REDIS = settings.QUEUE_BROKER == "redis"
NOTES = os.path.join(settings.DATA_DIR, "notes")
BATCH = 5000
PATIENCE = 60.0


def latency(*, waiting: int, times: int) -> list[float]:
    """Return the seconds from COMMIT to start of tasks sent one by one, `waiting` others in another queue."""
    fill(UNSERVED, waiting)
    found = []
    for number in range(times):
        time.sleep(0.3 * random.random())  # not in step with anything that looks at times
        before = notes.count(NOTES)
        with transaction.atomic():
            send(number)
            sent = time.time()
        [(_, started)] = wait_for(before, 1)
        found.append(started - sent)
    empty()
    return found


def throughput(*, waiting: int, seconds: float) -> float:
    """Return the tasks per second of the first `seconds` after `waiting` of them have come."""
    before = notes.count(NOTES)
    fill(SERVED, waiting)
    wait_for(before, 1)
    begun, first = time.time(), notes.count(NOTES)
    while time.time() < begun + seconds and notes.count(NOTES) < before + waiting:
        time.sleep(0.05)
    rows = [at for _, at in notes.read(NOTES, after=first)]
    empty()
    return len(rows) / (rows[-1] - begun) if rows else 0.0


def idle(*, seconds: float) -> float | None:
    """Return the transactions per second of an idle worker on PostgreSQL."""
    if connection.vendor != "postgresql":
        return None
    before = _transactions()
    time.sleep(seconds)
    return (_transactions() - before) / seconds


def send(number: int) -> None:
    async_task("bench.notes.note", NOTES, number, broker=get_broker(SERVED))


def wait_for(before: int, number: int) -> list[tuple[int, float]]:
    deadline = time.monotonic() + PATIENCE
    while notes.count(NOTES) < before + number:
        if time.monotonic() > deadline:
            raise TimeoutError("the worker does not run tasks")
        time.sleep(0.001)
    return notes.read(NOTES, after=before)


def fill(queue: str, number: int) -> None:
    """Add messages to a queue, all at one moment, without a worker being told of each."""
    if not number:
        return
    task = {"id": "x", "name": "x", "func": "bench.notes.note", "args": (NOTES, -1), "kwargs": {}}
    payload = SignedPackage.dumps({**task, "started": timezone.now(), "ack_failure": True})
    if REDIS:
        with redis_lists._client().pipeline() as together:  # noqa: SLF001
            for _ in range(number):
                together.rpush(redis_lists._waiting(queue), f"{uuid.uuid4()}|{payload}")  # noqa: SLF001
            together.execute()
        return
    with transaction.atomic():
        for size in _batches(number):
            if STOCK:
                row = {"key": queue, "payload": payload, "lock": timezone.now()}
                OrmQ.objects.bulk_create([OrmQ(**row) for _ in range(size)])
            else:
                row = {"queue": queue, "payload": payload, "due_at": Now()}
                Message.objects.bulk_create([Message(**row) for _ in range(size)])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def empty() -> None:
    """Remove what nobody has taken, and let the workers finish what they have."""
    model = OrmQ if STOCK else Message
    if REDIS:
        redis_lists.purge(SERVED)
        redis_lists.purge(UNSERVED)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {model._meta.db_table}")  # noqa: SLF001
    else:
        model.objects.all().delete()
    time.sleep(1)


def _batches(number: int) -> Iterator[int]:
    for begun in range(0, number, BATCH):
        yield min(BATCH, number - begun)


def _transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _worker() -> Program:
    if not STOCK:
        return local.worker()
    return Program("worker", (*local.manage(), "qcluster"))


def main() -> None:
    """Answer each line of JSON with one, until there are no more."""
    call_command("migrate", verbosity=0)
    verbs: dict[str, Any] = {"latency": latency, "throughput": throughput, "idle": idle}
    environment = {"CONN_MAX_AGE": "60", "Q_CLUSTER_NAME": SERVED} if STOCK else {}
    with Children(environment={**os.environ, **environment}, write=sys.stderr.write) as children:
        children.start(_worker())
        send(0)
        wait_for(0, 1)
        print("ready", flush=True)
        for line in sys.stdin:
            verb, options = json.loads(line)
            print(json.dumps(verbs[verb](**options)), flush=True)
    empty()


if __name__ == "__main__":
    main()
