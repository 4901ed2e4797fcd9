"""What pages, sign-in and the admin answer when the database or the cache is away."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from base.outages import AWAY
from videoapi import problems


class OutageMiddleware:
    """Answer 503 where a page, not the API, finds the database or the cache away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the 503 for an outage, None for anything else."""
        return problems.unavailable(request) if isinstance(error, AWAY) else None
