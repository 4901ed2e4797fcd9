"""The tables as they are, read by plain SQL with no code of the product's in between."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

Row = dict[str, Any]

COLUMNS = {
    "accounts_user": "id, username",
    "jobs_job": "id, user_id, generation_type, model, queue, prompt, status, attempt, worker, cost, "
    "upload, video_id, metadata, failure_code, failure_detail, created_at, finished_at, lease_expires_at",
    "jobs_jobevent": "id, job_id, at, verb, status, attempt, message",
    "jobs_remotetask": "id, job_id, model, state, remote_id, needs_review, taken_at, closed_at",
    "jobs_idempotencykey": "user_id, key, receipt",
    "jobs_purgedjob": "id",
    "dust_account": "id, user_id, posted, held, seq",
    "dust_transfer": "id, account_id, kind, contra, amount, d_posted, d_held, seq, posted_after, held_after, "
    "hold_id, reverses_id, job_id",
    "videos_video": "id, user_id, file, poster, source_image, size_bytes",
}
IDS = {"user_id", "video_id", "job_id", "hold_id", "reverses_id"}
UUID_KEYS = {"accounts_user", "jobs_job", "jobs_purgedjob", "dust_transfer", "videos_video"}
Run = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Books:
    """Rows as dictionaries, ids as text."""

    users: list[Row]
    jobs: list[Row]
    events: list[Row]
    submissions: list[Row]
    keys: list[Row]
    purged: list[Row]
    accounts: list[Row]
    transfers: list[Row]
    videos: list[Row]


def read(url: str) -> Books:
    """Read everything that is checked from the database at `url` (postgres://... or sqlite:///path)."""
    with connected(url) as run:
        return Books(*(_rows(run, table) for table in COLUMNS))


def unfinished(url: str) -> int:
    """Return how many jobs have not ended."""
    ended = "('completed', 'failed', 'cancelled')"
    with connected(url) as run:
        return int(run(f"SELECT COUNT(*) FROM jobs_job WHERE status NOT IN {ended}")[0][0])


def execute(url: str, *statements: str) -> None:
    """Change the tables behind everybody's back, in one transaction: for the tests of the checker."""
    with connected(url, write=True) as run:
        for statement in statements:
            run(statement)


@contextmanager
def connected(url: str, *, write: bool = False) -> Iterator[Run]:
    """Give a function that runs plain SQL; with `write` what it did is committed at the end."""
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


def durations(url: str) -> list[float]:
    """Return how many seconds each finished job took, from its submit to its end."""
    seconds = "EXTRACT(EPOCH FROM finished_at - created_at)"
    if url.startswith("sqlite"):
        seconds = "(julianday(finished_at) - julianday(created_at)) * 86400"
    with connected(url) as run:
        found = run(f"SELECT {seconds} FROM jobs_job WHERE finished_at IS NOT NULL")
    return [float(each) for (each,) in found]
