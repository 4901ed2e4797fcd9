"""An installation that has done its work, for tests of the checker to plant violations in."""

import contextlib
import json
import os
import pickle
import secrets
import shutil
import subprocess
import sys

import psycopg
from psycopg import sql

from tests.faults import checker, checker_books, storm_machines
from tests.faults.checker_material import OPENING

DATABASE_URL = os.environ.get("DATABASE_URL", "")

LATEST = "(SELECT id FROM dust_transfer t WHERE t.account_id = {account} ORDER BY seq DESC LIMIT 1)"
UNGUARDED = (
    [
        "DROP TRIGGER dust_transfer_no_update",
        "DROP TRIGGER dust_transfer_no_delete",
        "DROP TRIGGER dust_account_balance_guard",
    ]
    if not DATABASE_URL
    else ["DROP FUNCTION dust_refuse() CASCADE"]
)
MORE = (
    "INSERT INTO dust_transfer (id, kind, account_id, contra, amount, d_posted, d_held, seq, posted_after, "
    "held_after, hold_id, reverses_id, job_id, attempt, expires_at, key, actor, reason, meta, created_at) "
    "SELECT '{id}', kind, account_id, contra, amount, d_posted, d_held, seq + {later}, "
    "posted_after {posted}, held_after, {hold}, NULL, job_id, attempt + 1, NULL, '{id}', actor, reason, "
    "meta, created_at FROM dust_transfer WHERE job_id = '{job}' AND kind = '{kind}'"
)


FAR = {
    "title": "Far away",
    "provider": "jobs.providers.openai_videos.OpenAIVideos",
    "seconds_of_work": 1.0,
    "options": {"cancel": True},
    "generation_types": ["text_to_video"],
    "durations": ["short"],
    "resolutions": ["sd_480p"],
    "aspect_ratios": ["16:9", "1:1"],
    "remote": {"base_url": "https://far.example.org/v1"},
}


class Installation:
    """One that has done its work: its database, its files, its clients' journals, and its own tools."""

    def __init__(self, url, folder):
        self.url, self.folder, self.media = url, folder, folder / "media"

    def manage(self, *arguments):
        environment = {
            **storm_machines.clean_environment(),
            "DJANGO_SETTINGS_MODULE": "videoapi.settings",
            "SECRET_KEY": "of-no-worth" * 5,
            "ALLOWED_HOSTS": "testserver",
            "REHEARSAL": "true",
            "CANCEL_RUNNING": "true",
            "VIDEO_MODELS": json.dumps({"far": FAR}),
            "DATABASE_URL": self.url,
            "DATA_DIR": str(self.folder),
            "DUST_OPENING_GRANT": str(OPENING),
        }
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=storm_machines.ROOT, env=environment, capture_output=True, text=True, check=False
        )

    def journals(self):
        return pickle.loads((self.folder / "journals").read_bytes())

    def works(self):
        return pickle.loads((self.folder / "works").read_bytes())

    def order(self, key):
        return next(order for journal in self.journals() for order in journal.orders if order.key == key)

    def plant(self, *statements):
        checker_books.execute(self.url, *UNGUARDED, *statements)

    def account(self, order):
        books = checker_books.read(self.url)
        owner = next(job["user_id"] for job in books.jobs if job["id"] == order.job_id)
        return next(account["id"] for account in books.accounts if account["user_id"] == owner)

    def violations(self, *, journals=None, works=None):
        works = self.works() if works is None else works
        return checker.check(self.url, self.media, journals or self.journals(), works)

    def leftovers(self, journals=None, interruptions=0):
        journals = journals or self.journals()
        return checker.check_leftovers(self.url, self.media, journals, interruptions=interruptions)

    def audit(self):
        return self.manage("reconcile_dust")

    def clean_up(self):
        """What the product's own clean-up would do: its counts, and its log."""
        done = self.manage("remove_orphans", "--dry-run", "--hours=0")
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr


@contextlib.contextmanager
def database(path, template=""):
    """An empty database, or a copy of another one, on whichever kind of server the tests use."""
    if not DATABASE_URL:
        if template:
            shutil.copy(template.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    name = f"checker_{secrets.token_hex(6)}"

    def run(statement, **names):
        with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
            identifiers = {key: sql.Identifier(value) for key, value in names.items()}
            connection.execute(sql.SQL(statement).format(**identifiers))

    run(
        "CREATE DATABASE {name} TEMPLATE {template}",
        name=name,
        template=template.rpartition("/")[2] or "template1",
    )
    try:
        yield f"{DATABASE_URL.rpartition('/')[0]}/{name}"
    finally:
        run("DROP DATABASE {name} WITH (FORCE)", name=name)


def hex_of(identity):
    """As SQLite keeps it, and PostgreSQL reads it too."""
    return identity.replace("-", "")


def after_delete(installation, key, **known):
    """The journals, had the user been told that the video of this order is gone."""
    journals = installation.journals()
    (order,) = (order for order in journals[0].orders if order.key == key)
    for name, value in {"deletes": [200], **known}.items():
        setattr(order, name, value)
    return journals


def lose(installation, order):
    """Take the rows of a video away, and none of its files."""
    installation.plant(
        f"UPDATE jobs_job SET video_id = NULL WHERE id = '{hex_of(order.job_id)}'",
        f"DELETE FROM videos_video WHERE id = '{hex_of(order.video_id)}'",
    )
