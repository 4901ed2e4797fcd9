"""One id for each request: taken from a sane `X-Request-ID` or made, answered, logged, kept with the job."""

import contextvars
import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

_current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")

GetResponse = Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]


class RequestIdMiddleware:
    """Set `request.request_id` and the `X-Request-ID` header of every answer."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._answer_later(request)
        token = self._begin(request)
        try:
            return self._finish(request, self.get_response(request))  # type: ignore[arg-type]
        finally:
            _current.reset(token)

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        token = self._begin(request)
        try:
            return self._finish(request, await self.get_response(request))  # type: ignore[misc]
        finally:
            _current.reset(token)

    def _begin(self, request: HttpRequest) -> contextvars.Token[str]:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE.fullmatch(given) else secrets.token_hex(16)
        request.request_id = request_id  # type: ignore[attr-defined]
        return _current.set(request_id)

    def _finish(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class RequestIdFilter(logging.Filter):
    """Give each log record the id of the request it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs some answers after the middleware is done, but with their request
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "request_id", "") or _current.get()
        return True
