"""The queue's messages, wherever they are kept, read with no code of the product's in between."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import redis

from tests.faults.checker_books import Run, connected

TABLES = {
    "jobs_message": "SELECT id, job_id, holder FROM jobs_message",
    # what a dead worker held is locked for long, there: it is not waiting
    "django_q_ormq": "SELECT id, NULL, '' FROM django_q_ormq WHERE lock <= CURRENT_TIMESTAMP",
}
DELAYED = "videoapi:queue:delayed:*"  # sorted sets in Redis; each other message is in a list


class Message(NamedTuple):
    """A message as it lies. One about no job is a pulse: clusters send themselves one after the other."""

    mark: str  # the same at every look, wherever it lies
    job_id: str
    place: str

    def __str__(self) -> str:
        return f"{self.mark} about {self.job_id or 'no job'} in {self.place}"


def messages(url: str, redis_url: str = "") -> set[Message]:
    """Return what the queue holds: what waits, what is delayed, and what a cluster has taken."""
    found = set()
    with connected(url) as run:
        for table, statement in TABLES.items():
            if _has(run, url, table):
                found |= {
                    Message(f"{table} {mark}", str(job_id or ""), str(holder or "the queue"))
                    for mark, job_id, holder in run(statement)
                }
    return found | set(_in_redis(redis_url) if redis_url else ())


def _has(run: Run, url: str, table: str) -> bool:
    if url.startswith("sqlite"):
        return bool(run(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'"))
    return bool(run(f"SELECT to_regclass('{table}') IS NOT NULL")[0][0])


def _in_redis(url: str) -> Iterator[Message]:
    with redis.Redis.from_url(url) as client:
        lists = [key for key in client.scan_iter() if client.type(key) == b"list"]
        lying = [(key, each) for key in lists for each in client.lrange(key, 0, -1)]
        lying += [(key, each) for key in client.scan_iter(DELAYED) for each in client.zrange(key, 0, -1)]
    for key, message in lying:
        job_id = message.partition(b"|")[0]
        yield Message(hashlib.sha256(message).hexdigest()[:12], job_id.decode(), key.decode())
