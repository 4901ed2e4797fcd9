"""The storm's checker names every violation that is planted; the product's own audit those of money."""

import contextlib
import os
import pickle
import secrets
import shutil
import subprocess
import sys

import psycopg
import pytest
from psycopg import sql

from tests.faults import checker, checker_books, storm_machines
from tests.faults.checker_material import OPENING

DATABASE_URL = os.environ.get("DATABASE_URL", "")

pytestmark = pytest.mark.slow

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

    def order(self, key):
        return next(order for journal in self.journals() for order in journal.orders if order.key == key)

    def plant(self, *statements):
        checker_books.execute(self.url, *UNGUARDED, *statements)

    def account(self, order):
        books = checker_books.read(self.url)
        owner = next(job["user_id"] for job in books.jobs if job["id"] == order.job_id)
        return next(account["id"] for account in books.accounts if account["user_id"] == owner)

    def violations(self):
        return checker.check(self.url, self.media, self.journals())

    def audit(self):
        return self.manage("reconcile_dust")


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


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with database(folder / "db.sqlite3") as url:
        made = Installation(url, folder)
        code = f"from tests.faults import checker_material; checker_material.make({str(folder)!r})"
        for arguments in (["migrate", "--verbosity=0"], ["shell", "--no-imports", "-c", code]):
            done = made.manage(*arguments)
            assert done.returncode == 0, done.stderr
        checker_books.execute(url, "DELETE FROM jobs_message")  # as workers would have
        yield made


@pytest.fixture
def installation(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "copy")
    with database(tmp_path / "copy" / "db.sqlite3", template=finished.url) as url:
        yield Installation(url, tmp_path / "copy")


def hex_of(identity):
    """As SQLite keeps it, and PostgreSQL reads it too."""
    return identity.replace("-", "")


def test_where_nothing_is_wrong_nothing_is_named(installation):
    assert installation.violations() == []
    assert installation.audit().returncode == 0
    assert checker_books.waiting(installation.url) == 0
    assert checker_books.unfinished(installation.url) == 0


def test_a_skipped_refund_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("failed")
    account = installation.account(order)
    installation.plant(
        f"DELETE FROM dust_transfer WHERE id = {LATEST.format(account=account)} AND kind = 'reverse'",
        f"UPDATE dust_account SET posted = posted - 10, seq = seq - 1 WHERE id = {account}",
    )
    found = installation.violations()
    assert any("money: " in line and order.job_id in line and "'reverse'" in line for line in found), found
    audit = installation.audit()
    assert audit.returncode == 1
    assert f"refunded after its start, released before. Broken by job {order.job_id}" in audit.stdout


def test_a_double_charge_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("late")
    account, job = installation.account(order), hex_of(order.job_id)
    hold, post = "0" * 31 + "1", "0" * 31 + "2"
    installation.plant(
        MORE.format(id=hold, later=2, posted="- 10", hold="NULL", job=job, kind="hold"),
        MORE.format(id=post, later=2, posted="- 10", hold=f"'{hold}'", job=job, kind="post"),
        f"UPDATE dust_account SET posted = posted - 10, seq = seq + 2 WHERE id = {account}",
    )
    found = installation.violations()
    expected = "has ['hold', 'post', 'hold', 'post'] instead of ['hold', 'post']"
    assert any(order.job_id in line and expected in line for line in found), found
    audit = installation.audit()
    assert audit.returncode == 1
    assert f"charged once and not refunded. Broken by job {order.job_id}" in audit.stdout


def test_a_balance_that_does_not_fit_is_named_by_the_checker_and_by_the_audit(installation):
    account = installation.account(installation.order("kept"))
    installation.plant(f"UPDATE dust_account SET posted = posted + 1 WHERE id = {account}")
    assert any(
        line.startswith(f"money: account {account}: its row says") for line in installation.violations()
    )
    assert installation.audit().returncode == 1


def test_a_lost_job_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("cancelled")
    installation.plant(
        f"DELETE FROM jobs_jobevent WHERE job_id = '{hex_of(order.job_id)}'",
        f"DELETE FROM jobs_job WHERE id = '{hex_of(order.job_id)}'",
    )
    found = installation.violations()
    assert f"told: job {order.job_id} was acknowledged to alice (key cancelled) and is lost" in found
    assert any("has transfers ['hold', 'void'] but is not there" in line for line in found)
    audit = installation.audit()
    assert audit.returncode == 1
    assert order.job_id in audit.stdout


def test_a_lost_video_row_is_named(installation):
    order = installation.order("kept")
    installation.plant(
        f"UPDATE jobs_job SET video_id = NULL WHERE id = '{hex_of(order.job_id)}'",
        f"DELETE FROM videos_video WHERE id = '{hex_of(order.video_id)}'",
    )
    found = installation.violations()
    assert (
        f"told: job {order.job_id} of alice is completed and its video ({order.video_id}) is not there"
        in found
    )
    assert sum("belongs to no row" in line for line in found) == 2


def test_a_lost_a_cut_and_a_changed_file_are_named(installation):
    books = checker_books.read(installation.url)
    lost, cut = (
        next(row for row in books.videos if row["id"] == installation.order(key).video_id)
        for key in ("kept", "late")
    )
    animated = installation.order("animated").job_id
    (changed,) = (row for row in books.videos if row["source_image"])
    (installation.media / lost["file"]).unlink()
    (installation.media / cut["file"]).write_bytes(b"a vid")
    (installation.media / cut["poster"]).write_bytes(b"\xff\xd8 a po")
    (installation.media / changed["source_image"]).write_bytes(b"another picture")
    assert sorted(installation.violations()) == sorted(
        [
            f"files: video {lost['id']} has lost {lost['file']}",
            f"files: video {cut['id']} has 5 bytes instead of 7",
            f"files: the poster of video {cut['id']} is not a whole JPEG",
            f"files: {changed['source_image']} of job {animated} is not what the client sent",
        ]
    )


@pytest.mark.parametrize("name", ["videos/aa/stray.mp4", "uploads/aa/stray"])
def test_a_file_without_a_row_is_named(installation, name):
    path = installation.media / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"stray")
    assert installation.violations() == [f"files: {name} (5 bytes) belongs to no row"]


def test_a_message_that_is_left_is_counted(installation):
    checker_books.execute(
        installation.url,
        "INSERT INTO jobs_message (queue, payload, due_at, holder) "
        "VALUES ('render', 'x', CURRENT_TIMESTAMP, '')",
    )
    assert checker_books.waiting(installation.url) == 1


def test_a_job_that_never_ends_is_named(installation):
    order = installation.order("kept")
    installation.plant(
        "UPDATE jobs_job SET status = 'processing', worker = 'w1', finished_at = NULL, video_id = NULL "
        f"WHERE id = '{hex_of(order.job_id)}'"
    )
    found = installation.violations()
    assert any(order.job_id in line and "never ended" in line for line in found), found
    assert checker_books.unfinished(installation.url) == 1


def test_a_cancelled_job_that_ran_is_named(installation):
    order = installation.order("cancelled")
    installation.plant(
        f"UPDATE jobs_job SET status = 'completed', attempt = 1 WHERE id = '{hex_of(order.job_id)}'"
    )
    found = installation.violations()
    assert f"told: job {order.job_id} of alice (completed) had been said to be cancelled" in found


def test_a_deleted_video_that_is_still_there_is_named(installation):
    kept, deleted = installation.order("kept"), installation.order("deleted")
    journals = installation.journals()
    for order in journals[0].orders:
        if order.key == kept.key:
            order.deletes.append(200)
    found = checker.check(installation.url, installation.media, journals)
    about = f"told: job {kept.job_id} of alice"
    assert found == [f"{about}: its video {kept.video_id} was said to be deleted ([200]) and is there"]
    assert deleted.video_id not in {row["id"] for row in checker_books.read(installation.url).videos}


def test_two_jobs_for_one_key_are_named(installation):
    kept, animated = installation.order("kept"), installation.order("animated")
    installation.plant(
        f"""UPDATE jobs_job SET metadata = '{{"key":"kept"}}' WHERE id = '{hex_of(animated.job_id)}'"""
    )
    found = installation.violations()
    assert any(line.startswith("told: key kept made several jobs") and kept.job_id in line for line in found)


def test_a_balance_that_never_was_is_named(installation):
    journals = installation.journals()
    journals[1].balances.append((OPENING + 1, 0))
    found = checker.check(installation.url, installation.media, journals)
    assert found == [f"told: bob was shown {OPENING + 1} DUST, 0 held, which never was so"]
