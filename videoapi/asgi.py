"""The ASGI application."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoapi.settings")
django_application = get_asgi_application()  # loads the apps, which what follows needs

from base.later import Afterwards  # noqa: E402
from base.postgresql.connection import limit_statements  # noqa: E402
from videoapi.body_limit import BodyLimit  # noqa: E402

limit_statements(settings.DATABASE_TIMEOUT_SECONDS)  # somebody waits; a worker's or a command's may take long

MULTIPART_ROOM_BYTES = 1024 * 1024  # an upload's other fields and part headers

application = BodyLimit(
    Afterwards(django_application), max_bytes=settings.MAX_UPLOAD_BYTES + MULTIPART_ROOM_BYTES
)
