"""Keys that providers publish to check their webhooks by: fetched when needed, kept for a while."""

import json
import logging
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from jobs import outbound

logger = logging.getLogger(__name__)

KEPT_SECONDS = 3600.0
PAUSE_SECONDS = 60.0  # least time between two looks, whatever came of the first
FETCH_SECONDS = 5.0
LARGEST = 64 * 1024  # bytes

_kept: dict[str, tuple[float, tuple[str, ...]]] = {}
_fetching = threading.Lock()  # one for all: nobody waits for it


def keys(url: str, *, newer: bool = False) -> tuple[str, ...]:
    """Return the Ed25519 keys (their `x`) in the key set at `url`; none if it can't be had.

    With `newer` those that were kept won't do: the set is fetched again, if that was not done just now.
    """
    fetched_at, found = _kept.get(url, (float("-inf"), ()))
    age = time.monotonic() - fetched_at
    if age > (PAUSE_SECONDS if newer or not found else KEPT_SECONDS) and _fetching.acquire(blocking=False):
        try:
            found = _fetched(url) or found  # the old ones are better than none
            _kept[url] = (time.monotonic(), found)
        finally:
            _fetching.release()
    return found


def forget() -> None:
    """Keep nothing."""
    _kept.clear()


def _fetched(url: str) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "keys")
        try:
            fetched = outbound.fetch(
                url, target, max_bytes=LARGEST, deadline=FETCH_SECONDS, accept="application/json"
            )
            if _origin(fetched.final_url) != _origin(url):
                raise outbound.OutboundRefused("It leads to another server.")
            return tuple(_read(json.loads(target.read_bytes())))
        except (outbound.OutboundError, ValueError, TypeError, RecursionError) as error:
            logger.warning("no keys from %s, its webhooks are not heard: %s", url, error)
            return ()


def _read(body: Any) -> list[str]:
    entries = body.get("keys") if isinstance(body, Mapping) else None
    able = [each for each in entries or () if isinstance(each, Mapping) and each.get("crv") == "Ed25519"]
    return [each["x"] for each in able if isinstance(each.get("x"), str)]


def _origin(url: str) -> tuple[str, str]:
    parsed = httpx2.URL(url)
    return parsed.scheme, parsed.netloc.decode()
