"""The queue's messages in Redis 6.2 or newer, each `job id|payload`, where `jobs.redis_broker` sends them.

A message waits in its queue's list (before that among the delayed ones) and is moved to the list of the
cluster that takes it, until that one is done with it. All functions raise RedisError when Redis is away.
"""

import datetime
import functools
from collections.abc import Iterator

from django.conf import settings
from redis import ConnectionError as Unconnected
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PREFIX = "videoapi:queue:"
QUEUES = f"{PREFIX}queues"  # a set of their names
HOLDERS = f"{PREFIX}holders"  # a hash: which cluster takes from which queue
# Seconds. Whoever submits has a job that is committed, and does not wait for its message; the sweep finds it.
SEND_SECONDS = 0.4
SERVE_SECONDS = 5.0
WAIT_SECONDS = 1  # how long one look waits for a message; also how late a delayed one may be
FREED_SECONDS = 60
PAGE = 1000

SEND_LATER = """
local now = redis.call('TIME')
return redis.call('ZADD', KEYS[1], now[1] * 1000 + now[2] / 1000 + ARGV[1], ARGV[2])
"""
# Serves the delayed messages whose time has come, notes who takes from the queue, returns what it holds.
LOOK = """
local now = redis.call('TIME')
local due = redis.call('ZRANGE', KEYS[2], '-inf', now[1] * 1000 + now[2] / 1000, 'BYSCORE', 'LIMIT', 0, 1000)
for _, message in ipairs(due) do
    redis.call('RPUSH', KEYS[1], message)
    redis.call('ZREM', KEYS[2], message)
end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
return redis.call('LRANGE', KEYS[3], 0, -1)
"""
# In one step: a holder that lives after all, and takes meanwhile, is noted again.
GIVE_BACK = """
local number = 0
while redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') do
    number = number + 1
end
redis.call('HDEL', KEYS[3], ARGV[1])
return number
"""
# What a command finds, without the payloads: a long queue is read each minute.
IDS = """
local found = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3])
for place, message in ipairs(found) do
    found[place] = string.match(message, '^[^|]*')
end
return found
"""


def send(queue: str, message: str, *, delay: datetime.timedelta, first: bool = False) -> None:
    """Add a message, served after `delay` or `first` of all that wait. Give up in less than a second."""
    with _client(SEND_SECONDS).pipeline() as together:
        together.sadd(QUEUES, queue)
        if delay:
            milliseconds = delay / datetime.timedelta(milliseconds=1)
            together.eval(SEND_LATER, 1, _delayed(queue), milliseconds, message)
        elif first:
            together.lpush(_waiting(queue), message)
        else:
            together.rpush(_waiting(queue), message)
        together.execute()


def look(queue: str, holder: str) -> list[str]:
    """Serve what was delayed until now, and return what `holder` has taken."""
    keys = (_waiting(queue), _delayed(queue), _taken(holder), HOLDERS)
    return list(_client().eval(LOOK, len(keys), *keys, holder, queue))


def take(queue: str, holder: str) -> str | None:
    """Return the oldest message, now taken by `holder`, as soon as there is one; None after a while."""
    with _client().pipeline(transaction=False) as together:
        together.blmove(_waiting(queue), _taken(holder), WAIT_SECONDS, "LEFT", "RIGHT")
        # Sent along: whoever was taken for dead while it waited is forgotten, and if it died now,
        # nobody would find what it has taken since.
        together.hset(HOLDERS, holder, queue)
        found, _ = together.execute()
    return str(found) if found else None


def wait_for_freed(holder: str) -> None:
    """Return as soon as `holder` is done with a message, or after a while."""
    _client().bzpopmin([_freed(holder)], WAIT_SECONDS)


def remove(message: str, holder: str) -> None:
    """Delete a message that `holder` is done with."""
    with _client().pipeline() as together:
        together.lrem(_taken(holder), 1, message)
        together.zadd(_freed(holder), {"": 0})  # there once, however often
        together.expire(_freed(holder), FREED_SECONDS)
        together.execute()


def give_back(holder: str) -> int:
    """Serve all that `holder` has taken, before all others and in the old order; return how many messages."""
    if queue := _client().hget(HOLDERS, holder):
        keys = (_taken(holder), _waiting(str(queue)), HOLDERS)
        return int(_client().eval(GIVE_BACK, len(keys), *keys, holder))
    return 0


def waiting(queue: str) -> int:
    """Return how many messages of a queue can be taken."""
    return int(_client().llen(_waiting(queue)))


def taken(holder: str) -> int:
    """Return how many messages `holder` has taken."""
    return int(_client().llen(_taken(holder)))


def holders() -> dict[str, str]:
    """Return the clusters that may hold messages, each with its queue."""
    return {str(holder): str(queue) for holder, queue in _client().hgetall(HOLDERS).items()}


def purge(queue: str) -> int:
    """Delete all messages of a queue that nobody has taken; return how many lists that were."""
    return int(_client().delete(_waiting(queue), _delayed(queue)))


def job_ids() -> Iterator[str]:
    """Yield of each message of all queues, at least once, the id of the job that it is about."""
    queues = [str(queue) for queue in _client().smembers(QUEUES)]
    # In the direction in which they move, and each list from its end: one that moves meanwhile is not missed.
    for queue in queues:
        yield from _ids("ZRANGE", _delayed(queue), 0, -1)
    for key in (*map(_waiting, queues), *map(_taken, holders())):
        last = -1
        while page := _ids("LRANGE", key, last - PAGE + 1, last):
            yield from page
            last -= PAGE


def _ids(command: str, key: str, first: int, last: int) -> list[str]:
    return list(map(str, _client().eval(IDS, 1, key, command, first, last)))


def _client(seconds: float = SERVE_SECONDS) -> Redis:
    return _new_client(settings.REDIS_URL, seconds)


@functools.cache
def _new_client(url: str, seconds: float) -> Redis:
    return Redis.from_url(
        url,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        # A connection kept from before a restart is worth one more try; a Redis that hangs is not.
        retry=Retry(NoBackoff(), 1, supported_errors=(Unconnected,)),
        decode_responses=True,
        encoding_errors="surrogateescape",  # what can't be read can still be removed
    )


def _waiting(queue: str) -> str:
    return f"{PREFIX}waiting:{queue}"


def _delayed(queue: str) -> str:
    return f"{PREFIX}delayed:{queue}"


def _taken(holder: str) -> str:
    return f"{PREFIX}taken:{holder}"


def _freed(holder: str) -> str:
    return f"{PREFIX}freed:{holder}"
