"""Hearing that jobs have changed: on PostgreSQL by NOTIFY, over one connection; on SQLite by the clock.

A trigger sends it (`trigger`), so it commits with the change, and costs no further round trip.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
from django.db import connection

from jobs.live.trigger import CHANNEL

logger = logging.getLogger(__name__)

SQLITE_SECONDS = 0.5  # between two looks
AGAIN_SECONDS = 1.0  # before the next try to connect
PROBE_SECONDS = 15.0  # of silence, after which the server is asked whether it is still there
ANSWER_SECONDS = 10.0  # that it has to connect or answer
FAILURES = (psycopg.Error, OSError, TimeoutError)


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """A job is not as it was."""

    user_id: uuid.UUID
    job_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Missed:
    """Anything may have changed since that moment (`time.monotonic`)."""

    since: float


async def heard() -> AsyncGenerator[Changed | Missed, None]:
    """Give the news as they come, without end; a database that is away is waited for."""
    since = time.monotonic()
    while connection.vendor == "sqlite":
        await asyncio.sleep(SQLITE_SECONDS)
        yield Missed(since)
        since = time.monotonic()
    while True:
        try:
            async with contextlib.aclosing(_notified()) as notified:
                async for payload in notified:
                    yield _read(payload) if payload else Missed(since)
                    since = time.monotonic()
        except FAILURES as error:
            logger.warning("not told of changes by the database, will listen again: %s", error)
        await asyncio.sleep(AGAIN_SECONDS)


async def _notified() -> AsyncGenerator[str, None]:
    """Give what is sent, and first "", when the server listens. Raise one of FAILURES."""
    async with await _connected() as database:
        await database.execute(f"LISTEN {CHANNEL}")
        yield ""
        while True:
            async for notify in database.notifies(timeout=PROBE_SECONDS):
                yield notify.payload
            async with asyncio.timeout(ANSWER_SECONDS):  # a server that hangs says nothing, for ever
                await database.execute("SELECT 1")


async def _connected() -> psycopg.AsyncConnection[Any]:
    # Not of the pool, if there is one: it is kept, and what listens must not be lent to others.
    parameters = connection.get_connection_params()
    del parameters["cursor_factory"]  # Django's, which can't be awaited
    async with asyncio.timeout(ANSWER_SECONDS):
        return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


def _read(payload: str) -> Changed:
    user_id, job_id = payload.split()
    return Changed(uuid.UUID(user_id), uuid.UUID(job_id))
