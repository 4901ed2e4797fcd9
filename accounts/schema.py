"""How the OpenAPI document describes the ways to say who is calling."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts import tokens

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        f"An API token (`{tokens.PREFIX}…`), or a JWT from this installation's identity provider, "
        "where one is set up."
    ),
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]  # untyped
    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return BEARER


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]  # untyped
    """To a client the same scheme as an API token, which stands in the document already."""

    target_class = "accounts.authentication.JwtAuthentication"
    name: list[str] = []

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return []

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return []


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]  # untyped
    target_class = "accounts.authentication.SameOriginSessionAuthentication"
    name = "sessionAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": (
                "The cookie of a page of this site. Requests that change something must come from such a "
                "page (`Sec-Fetch-Site: same-origin`, or `Origin`), or carry `X-CSRFToken`."
            ),
        }
