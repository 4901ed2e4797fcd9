"""Rate limits by user; where no credentials are needed, by address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:  # rest_framework.views imports this module while it is itself being imported
    from rest_framework.views import APIView


class _PerCaller(SimpleRateThrottle):
    def get_cache_key(self, request: Request, view: APIView) -> str:
        caller = (
            request.user.pk if request.user and request.user.is_authenticated else self.get_ident(request)
        )
        return self.cache_format % {"scope": self.scope, "ident": caller}


class ReadThrottle(_PerCaller):
    """`RATE_READ`: every request of a caller."""

    scope = "read"


class SubmitThrottle(_PerCaller):
    """`RATE_SUBMIT`: requests that would make a job."""

    scope = "submit"


class LoginThrottle(_PerCaller):
    """`RATE_LOGIN`: attempts to sign in."""

    scope = "login"


class CallbackThrottle(_PerCaller):
    """`RATE_CALLBACK`: webhooks of providers, and what strangers send in their place."""

    scope = "callback"


class WebhookThrottle(_PerCaller):
    """`RATE_WEBHOOK`: secrets made, tests and replays of webhooks."""

    scope = "webhook"
