"""How remote providers are spoken to: no retries, no redirects, bounded answers, and a clear word on what is
known when there is no answer.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, Self

import httpx2

from jobs.providers.remote import Reply, Request

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes
SHOWN = 1000  # characters of an answer that is no JSON
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
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
                client.stream(**_arguments(request, timeout)) as response,
            ):
                return _reply(response, await _read(response))
        except NEVER_LEFT as error:
            raise NotSent(_said(error)) from error
        except (httpx2.TransportError, TimeoutError) as error:
            raise NoReply(_said(error)) from error

    async def save(self, request: Request, target: Path, *, max_bytes: int, timeout: float) -> Reply:
        """Write the body of a 200 to `target`; return the answer without it. Raise NotSent, NoReply (also for
        a body cut short), TooLarge or OSError.
        """
        try:
            async with self._kept.stream(**_arguments(request, timeout)) as response:
                if response.status_code != 200:
                    return _reply(response, await _read(response))
                await _save(response, target, max_bytes)
                return _reply(response, b"")
        except NEVER_LEFT as error:
            raise NotSent(_said(error)) from error
        except httpx2.TransportError as error:
            raise NoReply(_said(error)) from error


async def _save(response: httpx2.Response, target: Path, max_bytes: int) -> None:
    size = 0
    with target.open("wb") as file:
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge
            file.write(chunk)


async def _read(response: httpx2.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise NoReply(f"The answer ({response.status_code}) is longer than {LARGEST_ANSWER} bytes.")
    return content


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
        body = json.loads(content) if content else None
    except (ValueError, RecursionError):
        body = None
    return Reply(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        text=content[:SHOWN].decode(errors="replace"),
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:SHOWN]
