"""Sends a call, and sends it again where that is safe."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2

from videoapi_client import patience, wire
from videoapi_client.errors import NetworkError, VideoApiError
from videoapi_client.wire import Call, Token

LONGEST_HELD_SECONDS = 20


class AsyncTransport:
    """One caller of one installation.

    `outage_seconds` is how long waiting for a job goes on without any answer. `streams` bounds how many jobs
    are followed over connections that stay open.
    """

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        retries: int,
        request_timeout: float,
        outage_seconds: float,
        streams: int,
        http: httpx2.AsyncClient | None,
    ) -> None:
        self.outage_seconds = outage_seconds
        # for which the server may hold an answer back: a try must not run out of time meanwhile
        self.held_seconds = int(min(LONGEST_HELD_SECONDS, request_timeout / 2))
        self.streams = threading.BoundedSemaphore(streams) if streams else None
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._retries = retries
        self._timeout = request_timeout
        self._is_ours = http is None
        self._http = http or httpx2.AsyncClient(limits=httpx2.Limits(max_connections=None))

    async def aclose(self) -> None:
        if self._is_ours:
            await self._http.aclose()

    async def json(self, call: Call) -> Any:
        """Return the JSON of a successful answer. Raise ApiError or NetworkError."""
        return wire.parsed(await self.send(call))

    async def send(self, call: Call) -> httpx2.Response:
        """Return the first answer to keep, 304 included. Raise ApiError for a no, NetworkError for none."""
        attempt, may_be_done = 0, False
        while True:
            failure: VideoApiError
            try:
                response = await self._send_once(call)
                refusal = wire.refusal(response, call, may_be_done=may_be_done)
            except NetworkError as error:
                failure = error
            else:
                if refusal is None:
                    return response
                failure = refusal
            may_be_done |= wire.may_have_worked(failure)
            await self._pause_or_raise(failure, attempt, call)
            attempt += 1

    @asynccontextmanager
    async def stream(self, call: Call, *, silence: float) -> AsyncIterator[httpx2.Response]:
        """Start to read a stream of the API's own, for as long as it says something every `silence` seconds.

        Raise httpx2.TransportError.
        """
        asked = wire.arguments(call)
        asked["headers"] |= wire.credentials(self._token)
        timeout = httpx2.Timeout(self._timeout, read=silence)
        url = self._base_url + call.path
        async with self._http.stream(**asked, url=url, timeout=timeout, follow_redirects=False) as response:
            yield response

    @asynccontextmanager
    async def file(self, url: str, headers: dict[str, str]) -> AsyncIterator[httpx2.Response]:
        """Start to read a file from its signed address, without a token. Raise ApiError or NetworkError."""
        call = Call(path=url, headers=headers)
        asked: dict[str, Any] = {"headers": headers, "timeout": self._timeout, "follow_redirects": True}
        attempt = 0
        while True:
            async with AsyncExitStack() as stack:
                failure: VideoApiError
                try:
                    response = await stack.enter_async_context(self._http.stream("GET", url, **asked))
                    if not response.is_success:
                        await response.aread()
                    refusal = wire.refusal(response, call)
                except httpx2.TransportError as error:
                    failure = NetworkError("No answer to the download.")
                    failure.__cause__ = error
                else:
                    if refusal is None:
                        try:
                            yield response
                        except httpx2.TransportError as error:
                            raise NetworkError("The download was cut off.") from error
                        return
                    failure = refusal
            await self._pause_or_raise(failure, attempt, call)
            attempt += 1

    async def _pause_or_raise(self, failure: VideoApiError, attempt: int, call: Call) -> None:
        """Wait until the next try is due. Raise the failure if there is to be none."""
        retries = self._retries if call.retries is None else call.retries
        asked = patience.asked_for(failure)
        if attempt >= retries or asked > patience.LONGEST_RETRY_AFTER or not patience.passes(failure):
            raise failure
        await asyncio.sleep(patience.pause(attempt, asked))

    async def _send_once(self, call: Call) -> httpx2.Response:
        asked = wire.arguments(call)
        asked["headers"] |= wire.credentials(self._token)
        url = self._base_url + call.path
        try:
            return await self._http.request(**asked, url=url, timeout=self._timeout, follow_redirects=False)
        except httpx2.TransportError as error:
            raise NetworkError("No answer from the API.") from error
