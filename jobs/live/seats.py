"""How many streams and held answers a user may have open in one web process."""

import contextlib
import threading
import uuid
from collections import Counter
from collections.abc import Iterator

from django.conf import settings

from jobs.errors import TooManyStreams

_LOCK = threading.Lock()
_TAKEN: Counter[uuid.UUID] = Counter()


@contextlib.contextmanager
def taken(user_id: uuid.UUID) -> Iterator[None]:
    """Take one for the block. Raise TooManyStreams if the user has as many as is allowed."""
    with _LOCK:
        if _TAKEN[user_id] >= settings.MAX_STREAMS:
            raise TooManyStreams(limit=settings.MAX_STREAMS)
        _TAKEN[user_id] += 1
    try:
        yield
    finally:
        with _LOCK:
            _TAKEN[user_id] -= 1
            if not _TAKEN[user_id]:
                del _TAKEN[user_id]
