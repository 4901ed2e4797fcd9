"""A database for one size of the table, made for the measurement and dropped after it."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
SQLITE = "sqlite"


def production(folder: str, url: str) -> dict[str, str]:
    """Return the settings of a production start; only the address, and that it speaks plain http, differ."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "videoapi.settings",
        "DEBUG": "false",
        "SECRET_KEY": "for-the-bench-only-" + "x" * 50,
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_COOKIES": "false",
        "DATA_DIR": folder,
        "DATABASE_URL": url,
        "LOG_LEVEL": "ERROR",
    }


@contextlib.contextmanager
def throw_away(server: str, folder: Path) -> Iterator[str]:
    """Yield the DATABASE_URL of a fresh database: on `server`, or a file in `folder` for `sqlite`."""
    if server == SQLITE:
        yield ""
        for path in folder.glob("db.sqlite3*"):
            path.unlink()
        return
    name = f"bench_{os.getpid()}_{secrets.token_hex(4)}"
    _run(server, "CREATE DATABASE {}", name)
    try:
        yield server.rsplit("/", 1)[0] + f"/{name}"
    finally:
        _run(server, "DROP DATABASE {} WITH (FORCE)", name)


def _run(server: str, statement: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
