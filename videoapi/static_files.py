"""Static files from WhiteNoise, each in one piece."""

import contextlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Under ASGI Django reads a streamed file at once anyway, and warns of it; ours are small."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Return the file as WhiteNoise would, but whole."""
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        with contextlib.closing(streamed):
            whole = HttpResponse(b"".join(streamed), status=streamed.status_code)
        del whole["Content-Type"]  # unless WhiteNoise says one: a 304 has none
        for name, value in streamed.items():
            whole[name] = value
        return whole
