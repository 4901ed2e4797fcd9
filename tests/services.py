"""What the tests can use beside SQLite: PostgreSQL, Redis, Chromium, Node. In CI (`CI=true`) none may miss.

`python -m tests.services` says what is there; `python -m tests.services postgresql` prints its address.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import psycopg
import redis

OLDEST_NODE = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def postgresql() -> str | None:
    """Return the address of a PostgreSQL where we may make databases: TEST_DATABASE_URL or a local one."""
    host, port = os.environ.get("PGHOST", "127.0.0.1"), os.environ.get("PGPORT", "5432")
    url = os.environ.get("TEST_DATABASE_URL") or f"postgres://postgres@{host}:{port}/postgres"
    return url if _answers(lambda: psycopg.connect(url, connect_timeout=3).close()) else None


def redis_server() -> str | None:
    """Return the address of a Redis: TEST_REDIS_URL or a local one."""
    url = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/9"
    with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
        return url if _answers(client.ping) else None


def _answers(ask: Callable[[], object]) -> bool:
    """Tell whether it does, if need be when asked again: one that is there may be busy for a moment."""
    for _ in range(2):
        with contextlib.suppress(psycopg.OperationalError, redis.RedisError):
            ask()
            return True
    return False


def chromium() -> str | None:
    """Return the path of a Chromium: CHROMIUM or the first one that is installed."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def node() -> str | None:
    """Return the path of a Node that is new enough and has npm beside it."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return found if int(version.strip("v\n").partition(".")[0] or 0) >= OLDEST_NODE else None


SERVICES: dict[str, Callable[[], str | None]] = {
    "postgresql": postgresql,
    "redis": redis_server,
    "chromium": chromium,
    "node": node,
}


def main(*names: str) -> int:
    """Print where the named services are, or all of them with their names; return the exit status."""
    if names:
        found = [SERVICES[name]() for name in names]
        print(*filter(None, found), sep="\n")
        return 0 if all(found) else 1
    places = {name: find() for name, find in SERVICES.items()}
    for name, place in places.items():
        print(f"{name}: {place or 'not found; the tests that need it are left out'}")
    if os.environ.get("CI") and not all(places.values()):
        print("In CI all of them must be there.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
