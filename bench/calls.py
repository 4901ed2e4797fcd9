"""Calls a Django application in this process, as a server would: whole requests, no network."""

import io
import json
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, override_settings

from accounts.models import User

HOST = "127.0.0.1"


class Application:
    """The product, or with `bare` the view that it is compared with."""

    def __init__(self, *, bare: bool = False) -> None:
        with override_settings(MIDDLEWARE=[] if bare else settings.MIDDLEWARE):
            self._handler = WSGIHandler()

    def get(self, path: str, *, token: str = "", cookie: str = "") -> bytes:
        """Return the body. Raise RuntimeError unless it is a 200."""
        return self._call("GET", path, expected=200, token=token, cookie=cookie)

    def submit(self, body: dict[str, Any], *, token: str, key: str) -> Any:
        """Return the answer to a submit. Raise RuntimeError unless it is a 202."""
        raw = json.dumps(body).encode()
        return json.loads(
            self._call(
                "POST", "/videos/generate", expected=202, token=token, body=raw, HTTP_IDEMPOTENCY_KEY=key
            )
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        expected: int,
        token: str = "",
        cookie: str = "",
        body: bytes = b"",
        **more: str,
    ) -> bytes:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": HOST,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            **more,
        }
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        if cookie:
            environ["HTTP_COOKIE"] = cookie
        answer = self._handler(environ, lambda status, headers: None)
        content = b"".join(answer)
        answer.close()
        if answer.status_code != expected:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {content[:500]!r}")
        return content


def cookie_of(user: User) -> str:
    """Return the cookie of a browser in which the user has signed in."""
    client = Client()
    client.force_login(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
