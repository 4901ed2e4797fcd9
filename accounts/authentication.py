"""The ways to say who is calling: API token, an identity provider's JWT, a browser session."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING, RejectRequest
from rest_framework.authentication import (
    BaseAuthentication,
    CSRFCheck,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts import identities, tokens
from accounts.errors import CredentialsRefused
from accounts.models import ApiToken, User

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class BearerAuthentication(BaseAuthentication):
    """What the two kinds of bearer token share: the header, and 401 with a challenge for a bad one.

    A bad header ends the request. It must not fall through to the session cookie: the caller would act
    as somebody else than they said.
    """

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401, as RFC 6750, section 3 has it."""
        challenge = 'Bearer realm="api"'
        return f'{challenge}, error="invalid_token"' if get_authorization_header(request) else challenge

    def bearer(self, request: Request) -> str | None:
        """Return the bearer token; None where no header was sent. Raise AuthenticationFailed."""
        scheme, _, token = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        # Basic is not ours, but a password wall in front of the site has browsers send it everywhere.
        if not scheme or scheme.lower() == "basic":
            return None
        token = token.strip()
        if scheme.lower() != "bearer" or not token or not token.isascii() or " " in token:
            raise AuthenticationFailed("The Authorization header must be `Bearer`, a space, and a token.")
        return token


class ApiTokenAuthentication(BearerAuthentication):
    """`Authorization: Bearer vg_live_...`, and every other bearer token that is no JWT (to refuse it)."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        token = self.bearer(request)
        if token is None or identities.looks_like_jwt(token):
            return None
        try:
            return tokens.authenticate(token)
        except CredentialsRefused as error:
            raise AuthenticationFailed(error.message) from error


class JwtAuthentication(BearerAuthentication):
    """`Authorization: Bearer <JWT>` from the identity provider; refused where none is set up."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        token = self.bearer(request)
        if token is None or not identities.looks_like_jwt(token):
            return None
        try:
            return identities.authenticate(token), None
        except CredentialsRefused as error:
            raise AuthenticationFailed(error.message) from error


class HeaderTokenCheck(CSRFCheck):
    """Django's own check, for a token in the header: without one, no body is read for a stranger."""

    def _check_token(self, request: HttpRequest) -> None:
        if settings.CSRF_HEADER_NAME not in request.META:
            raise RejectRequest(REASON_CSRF_TOKEN_MISSING)
        super()._check_token(request)  # type: ignore[misc]  # not in the stubs


class SameOriginSessionAuthentication(SessionAuthentication):
    """The session cookie of a signed-in page of ours.

    The cookie alone proves nothing: a browser adds it to requests that other sites' pages make too. What
    changes something must therefore also show that a page of ours made it, by any one of

    - `Sec-Fetch-Site: same-origin`. Browsers write this header themselves; its name is a forbidden one,
      so that no page can set it (W3C Fetch Metadata Request Headers, sections 2.3 and 7; OWASP's CSRF
      cheat sheet, "Fetch Metadata headers"). Sent over https and to localhost by every current browser.
    - where that is missing (plain http, an old browser): `Origin` equal to our own scheme and host,
      another header that pages cannot forge (OWASP, "Verifying Origin with Standard Headers").
    - Django's CSRF token in `X-CSRFToken`, with the checks Django makes of it.

    With it the body's type does not matter: `text/plain` from another site is refused like any other,
    and our own pages need neither a token nor a preflight. `same-site` is not enough: a neighbouring
    subdomain may be anyone's. `none` is a person typing an address, which never makes an unsafe request.
    """

    def enforce_csrf(self, request: Request) -> None:
        """Raise PermissionDenied unless a page of ours made this request."""
        if request.method in SAFE_METHODS or _browser_vouches(request):
            return
        check = HeaderTokenCheck(_never_called)
        check.process_request(request)
        if check.process_view(request, _never_called, (), {}):
            raise PermissionDenied(
                "A browser session can change things only from this site's own pages. "
                "From anywhere else, send an API token as `Authorization: Bearer`."
            )


def _browser_vouches(request: Request) -> bool:
    if site := request.headers.get("Sec-Fetch-Site"):
        return bool(site == "same-origin")
    return bool(request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}")


def _never_called(request: HttpRequest) -> Any:
    raise NotImplementedError  # the check wants a next layer, as middleware does, and has none
