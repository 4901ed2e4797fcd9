"""Content-Security-Policy: what a browser may do with an answer of ours, should hostile text get into it."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

HEADER = "Content-Security-Policy"
NOTHING = (
    "default-src 'none'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
)
# Scripts and styles are files of ours: none stands in a page, so none that is smuggled into one runs.
OWN_FILES = (
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self'",
    "connect-src 'self'",
)
PAGE = "; ".join((*NOTHING, *OWN_FILES, "form-action 'self'"))
DATA = "; ".join((*NOTHING, "form-action 'none'"))  # JSON and the like: nothing in it is ever to be run
NO_DEVICES = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"

Sync = Callable[[HttpRequest], HttpResponseBase]
Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def middleware(get_response: Sync | Async) -> Sync | Async:
    """Give each answer its policy, unless its view has set one: a stricter one, or the documentation's."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            return with_policy(await get_response(request))

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        return with_policy(get_response(request))  # type: ignore[arg-type]

    return answer


def with_policy(response: HttpResponseBase) -> HttpResponseBase:
    """Set the headers that are not there yet."""
    is_page = response.get("Content-Type", "").startswith("text/html")
    response.setdefault(HEADER, PAGE if is_page else DATA)
    response.setdefault(
        "X-Content-Type-Options", "nosniff"
    )  # also where Django's own middleware is not reached
    if is_page:
        response.setdefault("Permissions-Policy", NO_DEVICES)
    return response
