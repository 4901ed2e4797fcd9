"""A whole installation in processes of its own, for tests: web, worker, database, files."""

import contextlib
import os
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import environ
import psycopg
from psycopg import sql

from tests import migrated, ports
from tests.ports import HOST
from videoapi import local
from videoapi.client import Api
from videoapi.processes import Children

ROOT = Path(__file__).resolve().parent.parent
# What tests.settings says for the tests' own process is not for these.
OURS = ("SECRET_KEY", "ALLOWED_HOSTS", "DATA_DIR", "DATABASE_URL", "LOG_LEVEL", "MEDIA_ROOT")


class Installation:
    """Runs on a free port until the end of the block; `lines` is what its processes printed.

    Its database is one of its own, unless `environment` names one.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "videoapi.settings",
            "DEBUG": "true",
            "SECRET_KEY": "",  # made in the folder, and the same for commands and processes
            "DATA_DIR": str(folder),
            **environment,
        }
        self.url = ""
        self._token: str | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Installation":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.database())
            self.children = stack.enter_context(
                Children(environment=self.environment, write=self.lines.append)
            )
            port = ports.reserve()
            self.url = local.address(HOST, port)
            self.children.start(local.web(HOST, port))
            self.children.start(local.worker())
            with contextlib.closing(self.user_of(self._token or self.token(migrated.USER))) as probe:
                local.wait_until_ready(probe, self.children)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def database(self):
        """Only make the database: for tests that start their own processes."""
        with contextlib.ExitStack() as stack:
            if "DATABASE_URL" not in self.environment:
                self.environment["DATABASE_URL"] = stack.enter_context(_database())
            if not self.environment["DATABASE_URL"]:
                self._token = migrated.copy(self.folder / migrated.NAME)
            if not self._token:
                self.manage("migrate", "--verbosity=0")
            yield

    def manage(self, *arguments: str) -> str:
        """Run a management command, which must succeed, and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Have the database do something, past our own code; return the rows that it gives."""
        if url := self.environment["DATABASE_URL"]:
            with psycopg.connect(url, autocommit=True) as connection:
                done = connection.execute(statement)
                return done.fetchall() if done.description else []
        file = sqlite3.connect(self.folder / migrated.NAME, timeout=120, isolation_level=None)
        with contextlib.closing(file):
            return file.execute(statement).fetchall()

    def token(self, name: str) -> str:
        """Return a fresh token of a new or known user."""
        return self.manage("create_token", name).strip()

    def user(self, name: str) -> Api:
        """Return the API as a new or known user; the caller closes it."""
        return self.user_of(self.token(name))

    def user_of(self, token: str) -> Api:
        """Return the API as the owner of a token; the caller closes it."""
        return Api(self.url, token)


@contextlib.contextmanager
def _database():
    """A database of its own on the server that the tests use; SQLite needs nothing ("")."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        yield ""
        return
    server = environ.Env.db_url_config(url)
    address = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    address["password"] = server["PASSWORD"] or None
    name = f"live_{os.getpid()}_{secrets.token_hex(4)}"

    def run(statement: str) -> None:
        with psycopg.connect(**address, dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    run("CREATE DATABASE {}")
    try:
        yield url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        run("DROP DATABASE {} WITH (FORCE)")
