"""How remote providers are spoken to: no retries, no redirects, bounded answers, and a clear word on what is
known when there is no answer.
"""

import asyncio
import contextlib
import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import httpx2

from jobs import echoes
from jobs.providers.remote import Reply, Request

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes
SHOWN = 1000  # characters of an answer that is no JSON
LETTING_GO_SECONDS = 2.0
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")  # PostgreSQL takes no NUL, and UTF-8 no half of a pair
USER_AGENT = "videoapi/1.0"
# Raised before a byte of the request can have arrived.
NEVER_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
)
# Raised when it may have: a TLS connection that breaks in the middle says so in its own words.
BROKEN = (httpx2.TransportError, ssl.SSLError)


class NotSent(Exception):
    """The request did not leave."""


class NoReply(Exception):
    """The request may have arrived; what came of it is not known."""


class TooLarge(Exception):
    """The file is larger than it may be."""


class Wire:
    """An HTTP client for all jobs of one driver; use it as an async context manager.

    A request that must be made at most once goes over a connection of its own: one kept from before might
    have been closed by the other side, and nobody could say whether the request was read.
    """

    def __init__(self, *, connections: int) -> None:
        common: dict[str, Any] = {
            "trust_env": False,  # no proxies or credentials from the environment
            "follow_redirects": False,
            "headers": {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        }
        kept = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        fresh = httpx2.Limits(max_connections=connections, max_keepalive_connections=0)
        self._kept = httpx2.AsyncClient(limits=kept, **common)
        self._fresh = httpx2.AsyncClient(limits=fresh, **common)
        self._unwanted: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.gather(*self._unwanted)
        await self._kept.aclose()
        await self._fresh.aclose()

    async def ask(self, request: Request, *, timeout: float, once: bool = False) -> Reply:
        """Return the answer. Raise NotSent or NoReply.

        `timeout` is seconds for each of connecting, sending and waiting; twice as long for all of it, for an
        answer may come byte by byte.
        """
        client = self._fresh if once else self._kept
        try:
            async with (
                asyncio.timeout(2 * timeout),
                self._open(client, request, timeout) as response,
            ):
                return _reply(response, await _read(response, echo=request.echo))
        except NEVER_LEFT as error:
            raise NotSent(_said(error)) from error
        except (*BROKEN, TimeoutError) as error:
            raise NoReply(_said(error)) from error

    async def save(self, request: Request, target: Path, *, max_bytes: int, timeout: float) -> Reply:
        """Write the body of a 200 to `target`; return the answer without it. Raise NotSent, NoReply (also for
        a body cut short), TooLarge or OSError.
        """
        try:
            async with self._open(self._kept, request, timeout) as response:
                if response.status_code != 200:
                    return _reply(response, await _read(response))
                await _save(response, target, max_bytes)
                return _reply(response, b"")
        except NEVER_LEFT as error:
            raise NotSent(_said(error)) from error
        except BROKEN as error:
            raise NoReply(_said(error)) from error

    @contextlib.asynccontextmanager
    async def _open(
        self, client: httpx2.AsyncClient, request: Request, timeout: float
    ) -> AsyncIterator[httpx2.Response]:
        sent = client.build_request(**_arguments(request, timeout))
        sending = asyncio.create_task(client.send(sent, stream=True))
        try:
            # Broken off at the moment in which it is made, a connection would be left open with no owner.
            response = await asyncio.shield(sending)
        except asyncio.CancelledError:
            letting_go = asyncio.create_task(_let_go(sending))
            self._unwanted.add(letting_go)
            letting_go.add_done_callback(self._unwanted.discard)
            raise
        async with contextlib.aclosing(response):
            yield response


async def _let_go(sending: "asyncio.Task[httpx2.Response]") -> None:
    """Close what comes of a request that nobody waits for any more."""
    with contextlib.suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(LETTING_GO_SECONDS):
            response = await sending
        await response.aclose()


async def _save(response: httpx2.Response, target: Path, max_bytes: int) -> None:
    size = 0
    with target.open("wb") as file:
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge
            file.write(chunk)


async def _read(response: httpx2.Response, *, echo: int = 0) -> bytes:
    content, size, most = bytearray(), 0, LARGEST_ANSWER + echo
    add = echoes.Abridged(content).add if echo else content.extend
    async for chunk in response.aiter_raw():
        add(chunk)
        size += len(chunk)
        if len(content) > LARGEST_ANSWER or size > most:
            raise NoReply(f"The answer ({response.status_code}) is longer than it may be: {most} bytes.")
    return bytes(content)


def _arguments(request: Request, timeout: float) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "timeout": timeout,
    }
    if request.files:
        arguments["files"] = {
            name: (file.name, file.content, file.content_type) for name, file in request.files.items()
        }
        arguments["data"] = dict(request.fields)
    elif request.fields:
        # multipart also without a file: what asks for a form of videos reads no other kind
        arguments["files"] = {name: (None, value) for name, value in request.fields.items()}
    elif request.json is not None:
        arguments["json"] = request.json
    return arguments


def _reply(response: httpx2.Response, content: bytes) -> Reply:
    try:
        body = _clean(json.loads(content)) if content else None
    except (ValueError, RecursionError):
        body = None
    return Reply(
        status=response.status_code,
        headers={name.lower(): _clean(value) for name, value in response.headers.items()},
        body=body,
        text=_clean(content[:SHOWN].decode(errors="replace")),
    )


def _clean(value: Any) -> Any:
    """Return JSON with what no database keeps made readable: what is said must not be lost for how."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(each) for name, each in value.items()}
    return value


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:SHOWN]
