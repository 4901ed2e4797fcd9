"""Sign-in for browsers: /login, /logout, and the limit on attempts that /login shares with the admin."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from base.throttles import LoginThrottle

View = Callable[..., HttpResponseBase]


class AddressThrottle(LoginThrottle):
    """Attempts from one address, whoever it tries to be."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": "login-address", "ident": self.get_ident(request)}


class UsernameThrottle(LoginThrottle):
    """Attempts on one user name, from wherever: a guesser with many addresses gains nothing."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        name = User.normalize_username(request.POST.get("username", "")).strip().casefold()
        # Hashed: what people type there, at times a password, does not belong in a cache.
        ident = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return self.cache_format % {"scope": "login-name", "ident": ident}


def limited(view: View) -> View:
    """Wrap a view so that POSTs over `RATE_LOGIN` get a page that says to wait, and no password is tried.

    Every attempt counts, right or wrong: answering right ones past the limit would tell a guesser.
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and (seconds := _seconds_to_wait(request)):
            page = render(request, "registration/too_many_attempts.html", {"seconds": seconds}, status=429)
            page["Retry-After"] = str(seconds)
            page["Cache-Control"] = "no-store"
            return page
        return view(request, *args, **kwargs)

    return answer


def _seconds_to_wait(request: HttpRequest) -> int:
    asked = cast(
        Request, request
    )  # a throttle reads the address and the form, which Django's request has too
    for throttle in (AddressThrottle(), UsernameThrottle()):
        if not throttle.allow_request(asked, APIView()):
            return max(1, round(throttle.wait() or 1))
    return 0


@method_decorator(limited, name="dispatch")
class SignIn(LoginView):
    """The sign-in page. `next` is followed to our own pages only (Django's LoginView sees to it)."""

    template_name = "registration/login.html"
