"""Bounds request bodies as they arrive, before Django spools them to disk."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from videoapi import content_policy, middleware, problems

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A client still sending when its connection closes may be reset and never see the answer; so what it has
# on the way is read and dropped first, as nginx's lingering_close does it.
LINGER_SECONDS = 5.0


class BodyLimit:
    """An ASGI application around `app` that answers 413 to bodies over `max_bytes`.

    A declared length is refused at once. A chunked body is counted; when it grows too long, `app` is told
    that the client left, which makes Django drop what it has.
    """

    def __init__(self, app: App, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _declared_length(scope) > self.max_bytes:
            await self._refuse(scope, receive, send, more=True)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        left, more = self.max_bytes, True

        async def receive_counted() -> Message:
            nonlocal left, more
            message = await receive()
            left -= len(message.get("body", b""))
            more = message.get("more_body", False)
            return message if left >= 0 else {"type": "http.disconnect"}

        await self.app(scope, receive_counted, send)
        if left < 0:  # Django reads the whole body before anything else: no answer has been started
            await self._refuse(scope, receive, send, more=more)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, *, more: bool) -> None:
        response = _too_large(scope, self.max_bytes)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.items()]
        headers.append((b"Content-Length", str(len(response.content)).encode()))
        headers.append((b"Connection", b"close"))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content, "more_body": True})
        if more:
            await _drop_the_rest(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _declared_length(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0


def _too_large(scope: Scope, max_bytes: int) -> HttpResponse:
    def answer(request: HttpRequest) -> HttpResponse:
        message = f"The request body is too large: at most {max_bytes // 2**20} MiB are read."
        return problems.problem(request, status=413, code="payload_too_large", message=message)

    # Django's own request and our own middleware, so that path and X-Request-ID are those of any answer.
    request = ASGIRequest({**scope, "query_string": b""}, io.BytesIO())
    response = middleware.RequestIdMiddleware(answer)(request)
    return cast(
        HttpResponse, content_policy.with_policy(cast(HttpResponse, response))
    )  # no awaitable: synchronous


async def _drop_the_rest(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
