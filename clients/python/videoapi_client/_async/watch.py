"""Follows a job: by Server-Sent Events where they are to be had, else by asking again and again."""

import asyncio
import dataclasses
import json
import random
import time
from contextlib import aclosing

import httpx2

from videoapi_client import patience, wire
from videoapi_client._async.transport import AsyncTransport
from videoapi_client.errors import VideoApiError, WaitTimeoutError
from videoapi_client.events import EventParser
from videoapi_client.patience import passes, pause
from videoapi_client.types import AsyncUpdates, JobStatus
from videoapi_client.wire import FINAL, Call

POLL_SECONDS = 5.0
SHORTEST_POLL_SECONDS = 1.0
RECONNECT_SECONDS = 2.0
SILENCE_SECONDS = 25.0  # it says something every 15, if only that it is alive
BROKEN_STREAMS = 3


@dataclasses.dataclass
class Thread:
    """What is kept from one stream of a job to the next. `deadline` is of time.monotonic()."""

    job_id: str
    deadline: float | None
    last_event_id: str = ""
    reconnect: float = RECONNECT_SECONDS
    has_spoken: bool = False

    def left(self) -> float:
        """Return the seconds that are left. Raise WaitTimeoutError if there are none."""
        if self.deadline is None:
            return float("inf")
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(self.job_id)
        return left

    def is_short(self) -> bool:
        """Tell whether the time may be up before a stream says anything: a poll can be held for less."""
        return self.left() <= SILENCE_SECONDS


async def updates(transport: AsyncTransport, job_id: str, timeout: float | None = None) -> AsyncUpdates:
    """Yield where a job stands, whenever that changes; the last one is final.

    Raise ApiError, NetworkError, or WaitTimeoutError after `timeout` seconds.
    """
    thread = Thread(job_id, None if timeout is None else time.monotonic() + timeout)
    may_hold = transport.streams is not None and transport.streams.acquire(blocking=False)
    try:
        if may_hold:
            async with aclosing(_streamed(transport, thread)) as told:
                async for job in told:
                    yield job
                    if job["status"] in FINAL:
                        return
        async with aclosing(_polled(transport, thread, transport.held_seconds if may_hold else 0)) as told:
            async for job in told:
                yield job
    finally:
        if may_hold and transport.streams:
            transport.streams.release()


async def _streamed(transport: AsyncTransport, thread: Thread) -> AsyncUpdates:
    """Yield what streams say, one after the other, for as long as they work; return when they don't."""
    broken = 0
    while broken < BROKEN_STREAMS and not thread.is_short():
        thread.has_spoken = False
        try:
            async with aclosing(_one_stream(transport, thread)) as told:
                async for job in told:
                    yield job
        except NoStream as answer:
            if not answer.is_busy:
                return
        except httpx2.ReadTimeout:
            if not thread.has_spoken:
                return  # not a word: something on the way keeps streams back until they end
        except (httpx2.TransportError, ValueError):
            pass  # cut off, or garbled: the next one goes on from the last event that was whole
        broken = 0 if thread.has_spoken else broken + 1
        if broken < BROKEN_STREAMS:
            again = thread.reconnect * random.uniform(0.5, 1.5) + pause(broken)  # noqa: S311
            await asyncio.sleep(min(again, thread.left()))


class NoStream(Exception):
    """There is no stream to read: it is not known here, or all is told, or (`is_busy`) not just now."""

    def __init__(self, *, is_busy: bool) -> None:
        super().__init__(is_busy)
        self.is_busy = is_busy


async def _one_stream(transport: AsyncTransport, thread: Thread) -> AsyncUpdates:
    headers = {"Accept": "text/event-stream"}
    if thread.last_event_id:
        headers["Last-Event-ID"] = thread.last_event_id
    call = Call(path=f"{wire.job_path(thread.job_id)}/events", headers=headers)
    async with transport.stream(call, silence=SILENCE_SECONDS) as response:
        kind = response.headers.get("Content-Type", "")
        if response.status_code != 200 or not kind.startswith("text/event-stream"):
            await response.aread()
            refusal = wire.refusal(response, call)
            raise NoStream(is_busy=refusal is not None and passes(refusal))
        parser = EventParser()
        async for piece in response.aiter_bytes():
            for event in parser.push(piece):
                if event.event != "job":
                    continue
                job: JobStatus = json.loads(event.data)
                thread.last_event_id, thread.has_spoken = event.id, True
                if job["job_id"] == thread.job_id:
                    yield job
            thread.reconnect = parser.retry or thread.reconnect
            if thread.is_short():
                return


async def _polled(transport: AsyncTransport, thread: Thread, held: int) -> AsyncUpdates:
    """Yield what the job's status says, when it has changed.

    The server may hold each answer back for `held` seconds, until there is news. An outage is endured for
    `outage_seconds`.
    """
    tag, failures, last_answer = "", 0, time.monotonic()
    while True:
        asked = time.monotonic()
        query = {"wait": int(min(held, thread.left()))} if held else None
        headers = {"If-None-Match": tag} if tag else {}
        call = Call(path=f"{wire.job_path(thread.job_id)}/status", query=query, headers=headers, retries=0)
        try:
            answer = await transport.send(call)
        except VideoApiError as error:
            if not passes(error) or time.monotonic() - last_answer > transport.outage_seconds:
                raise
            await asyncio.sleep(min(pause(failures, patience.asked_for(error)), thread.left()))
            failures += 1
            continue
        failures, last_answer = 0, time.monotonic()
        if answer.status_code != 304:
            job: JobStatus = wire.parsed(answer)
            tag = answer.headers.get("ETag", "")
            yield job
            if job["status"] in FINAL:
                return
        # A server that held the answer back has waited for us.
        wait = patience.retry_after(answer.headers.get("Retry-After"))
        least = POLL_SECONDS if wait is None else max(wait, SHORTEST_POLL_SECONDS)
        rest = least - (time.monotonic() - asked)
        await asyncio.sleep(min(max(0.0, rest) * random.uniform(1.0, 1.1), thread.left()))  # noqa: S311
