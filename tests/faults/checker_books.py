"""The tables as they are, read by plain SQL with no code of the product's in between."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

Row = dict[str, Any]

COLUMNS = {
    "accounts_user": "id, username",
    "jobs_job": "id, user_id, generation_type, status, attempt, worker, cost, upload, video_id, metadata, "
    "failure_code, failure_detail, created_at, finished_at, lease_expires_at",
    "jobs_jobevent": "id, job_id, at, verb, status, attempt, message",
    "jobs_idempotencykey": "user_id, key, receipt",
    "jobs_purgedjob": "id",
    "dust_account": "id, user_id, posted, held, seq",
    "dust_transfer": "id, account_id, kind, contra, amount, d_posted, d_held, seq, posted_after, held_after, "
    "hold_id, reverses_id, job_id",
    "videos_video": "id, user_id, file, poster, source_image, size_bytes",
}
IDS = {"user_id", "video_id", "job_id", "hold_id", "reverses_id"}
UUID_KEYS = {"accounts_user", "jobs_job", "jobs_purgedjob", "dust_transfer", "videos_video"}
QUEUES = {
    "jobs_message": "SELECT COUNT(*) FROM jobs_message",
    # what a dead worker held is locked for long, there: it is not waiting
    "django_q_ormq": "SELECT COUNT(*) FROM django_q_ormq WHERE lock <= CURRENT_TIMESTAMP",
}
DELAYED = "videoapi:queue:delayed:*"  # sorted sets in Redis; each other message is in a list
Run = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Books:
    """Rows as dictionaries, ids as text."""

    users: list[Row]
    jobs: list[Row]
    events: list[Row]
    keys: list[Row]
    purged: list[Row]
    accounts: list[Row]
    transfers: list[Row]
    videos: list[Row]


def read(url: str) -> Books:
    """Read everything that is checked from the database at `url` (postgres://... or sqlite:///path)."""
    with _connected(url) as run:
        return Books(*(_rows(run, table) for table in COLUMNS))


def waiting(url: str, redis_url: str = "") -> int:
    """Return how many messages the queue holds, wherever it is kept."""
    with _connected(url) as run:
        kept = [statement for table, statement in QUEUES.items() if _has(run, url, table)]
        count = sum(run(statement)[0][0] for statement in kept)
    return count + (_messages_in_redis(redis_url) if redis_url else 0)


def unfinished(url: str) -> int:
    """Return how many jobs have not ended."""
    ended = "('completed', 'failed', 'cancelled')"
    with _connected(url) as run:
        return int(run(f"SELECT COUNT(*) FROM jobs_job WHERE status NOT IN {ended}")[0][0])


def execute(url: str, *statements: str) -> None:
    """Change the tables behind everybody's back, in one transaction: for the tests of the checker."""
    with _connected(url, write=True) as run:
        for statement in statements:
            run(statement)


@contextmanager
def _connected(url: str, *, write: bool = False) -> Iterator[Run]:
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
    else:
        connection = psycopg.connect(url)

    def run(statement: str) -> list[tuple[Any, ...]]:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []

    with closing(connection):
        yield run
        if write:
            connection.commit()


def _rows(run: Run, table: str) -> list[Row]:
    names = COLUMNS[table].split(", ")
    rows = [dict(zip(names, row, strict=True)) for row in run(f"SELECT {COLUMNS[table]} FROM {table}")]
    for row in rows:
        for name in row:
            if row[name] is not None and (name in IDS or (name == "id" and table in UUID_KEYS)):
                row[name] = str(uuid.UUID(str(row[name])))
            elif name in ("metadata", "receipt"):
                row[name] = json.loads(row[name])
    return rows


def _has(run: Run, url: str, table: str) -> bool:
    if url.startswith("sqlite"):
        return bool(run(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'"))
    return run(f"SELECT to_regclass('{table}') IS NOT NULL")[0][0]


def _messages_in_redis(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        lists = [key for key in client.scan_iter() if client.type(key) == b"list"]
        delayed = client.scan_iter(DELAYED)
        return sum(int(client.llen(key)) for key in lists) + sum(int(client.zcard(key)) for key in delayed)


def durations(url: str) -> list[float]:
    """Return how many seconds each finished job took, from its submit to its end."""
    seconds = "EXTRACT(EPOCH FROM finished_at - created_at)"
    if url.startswith("sqlite"):
        seconds = "(julianday(finished_at) - julianday(created_at)) * 86400"
    with _connected(url) as run:
        found = run(f"SELECT {seconds} FROM jobs_job WHERE finished_at IS NOT NULL")
    return [float(each) for (each,) in found]
