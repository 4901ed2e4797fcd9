"""`manage.py demo` (`make demo`): a whole installation for a minute, and proof that it works."""

import os
import subprocess
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from base import processes as system
from videoapi import demo, local, processes
from videoapi.client import Api, ApiError
from videoapi.demo import Check
from videoapi.processes import Children, ProgramEnded
from videoapi.terminal import Screen

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = (
        "Start everything in a temporary folder, make two videos and a failure over HTTP, and check it all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "demo", help="for the videos")
        parser.add_argument("--database", default="", help="postgres://..., empty; else SQLite")
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started this one is gone"
        )

    def handle(self, *args: Any, folder: Path, database: str, with_parent: bool, **options: Any) -> None:
        if database:
            _require_empty(database)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "demo.log"
        try:
            with processes.interruptible(), tempfile.TemporaryDirectory(prefix="videoapi-demo-") as data:
                checks = _play(folder, _environment(Path(data), database), log, with_parent)
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        except (local.NotReady, ProgramEnded, ApiError, subprocess.CalledProcessError) as error:
            raise CommandError(f"{error} The log is {log}.") from error
        if not all(check.holds for check in checks):
            raise CommandError(f"Not everything was as it should be. The log is {log}.")


def _play(folder: Path, environment: dict[str, str], log: Path, with_parent: bool) -> list[Check]:
    screen, began, port = Screen(), time.monotonic(), local.free_port(HOST)
    with log.open("w") as lines:
        screen.say("Starting a database, a web server and a worker in a temporary folder ...")
        _manage(environment, lines, "migrate", "--verbosity=0")
        token = _manage(environment, lines, "create_token", "demo", f"--grant={demo.GRANT}").stdout.strip()
        with Children(environment=environment, write=lines.write, with_parent=with_parent) as children:
            children.start(local.web(HOST, port))
            children.start(local.worker())
            api = Api(local.address(HOST, port), token)
            local.wait_until_ready(api, children)
            screen.say(f"Ready at {local.address(HOST, port)}, with {demo.GRANT} DUST to spend.\n")
            made = [demo.generate(api, screen, folder), demo.animate(api, screen, folder)]
            failed = demo.fail(api, screen)
            screen.say("\nThe ledger:\n")
            demo.show_ledger(api, screen)
            checks = demo.checks(api, made, failed)
            api.close()
            books = _manage(environment, lines, "reconcile_dust", check=False)
            checks.append(Check("the books agree (reconcile_dust)", books.returncode == 0))
    checks.append(Check("nothing was left running", not system.marked(children.mark)))
    _report(screen, checks, folder, seconds=time.monotonic() - began)
    return checks


def _report(screen: Screen, checks: list[Check], folder: Path, *, seconds: float) -> None:
    screen.say()
    for check in checks:
        screen.say(f"  {'ok  ' if check.holds else 'FAIL'}  {check.sentence}")
    screen.say(
        f"\n{sum(check.holds for check in checks)} of {len(checks)} checks hold, after {seconds:.0f} s."
    )
    screen.say(f"The videos and their posters are in {folder}")


def _require_empty(database: str) -> None:
    try:
        with psycopg.connect(database, connect_timeout=5) as connection:
            found = connection.execute("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            tables = found.fetchone()
    except psycopg.Error as error:
        raise CommandError(f"The database can't be used: {error}") from error
    if tables:
        raise CommandError("The database is not empty. The demo wants one of its own.")


def _environment(data: Path, database: str) -> dict[str, str]:
    """Return settings under which nothing of a real installation is touched, whatever `.env` says."""
    plain = dict.fromkeys(("REDIS_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS"), "")
    return {
        **plain,
        "DATABASE_URL": database,
        "DEBUG": "true",
        "REHEARSAL": "true",
        "DATA_DIR": str(data),
        "MEDIA_ROOT": str(data / "media"),
        "ALLOWED_HOSTS": HOST,
        "SECURE_COOKIES": "false",
        "SECURE_SSL_REDIRECT": "false",
        "DATABASE_POOL": "false",
        "DEFAULT_MODEL": "preview",
        "VIDEO_MODELS": "{}",
        "DUST_OPENING_GRANT": "0",
        "DUST_PRICES": '{"generate": 10, "animate": 8}',
    }


def _manage(
    environment: dict[str, str], log: TextIO, *command: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*local.manage(), *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        check=check,
    )
