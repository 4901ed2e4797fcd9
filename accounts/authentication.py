"""The ways to say who is calling: API token, an identity provider's JWT, a browser session."""

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from accounts.models import User


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer vg_live_...`."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        return None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class JwtAuthentication(ApiTokenAuthentication):
    """`Authorization: Bearer <JWT>` from the identity provider in the settings."""


class SameOriginSessionAuthentication(SessionAuthentication):
    """The session cookie of a signed-in page of ours."""
