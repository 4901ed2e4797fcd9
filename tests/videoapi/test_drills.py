"""The drills of docs/operations.md: its own commands, read from the page and run."""

import contextlib
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import environ
import psycopg
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.db import connection
from psycopg import sql

from dust import ledger
from jobs import lifecycle
from tests import live, services
from tests.jobs.making import finish, order_for
from videos import library
from videos.models import Video

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text()
SERVICE_PASSWORD = "for-this-test"
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def drill(name: str) -> str:
    """Return the commands that the page gives under a mark."""
    found = re.search(rf"<!-- drill: {name} -->\n```(?:sql)?\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


def shell(script: str, environment: dict[str, str]) -> str:
    """Run commands as the page's reader would; each must succeed."""
    done = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def around(database_url: str, data: Path, media: Path, backup: Path) -> dict[str, str]:
    """Return the environment of an installation at these places."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SECRET_KEY": django_settings.SECRET_KEY,
        "ALLOWED_HOSTS": "video.example.com",
        "DATABASE_URL": database_url,
        "DATA_DIR": str(data),
        "MEDIA_ROOT": str(media),
        "BACKUP": str(backup),
    }


def own_url() -> str:
    """Return the address of the tests' PostgreSQL database; "" on SQLite."""
    if connection.vendor == "sqlite":
        return ""
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"


@pytest.fixture
def here(tmp_path, media):
    """The environment of the installation that the test itself works in."""
    data = tmp_path / "data"
    data.mkdir()
    if connection.vendor == "sqlite":
        (data / "db.sqlite3").symlink_to(connection.settings_dict["NAME"])
    return around(own_url(), data, media, tmp_path / "backup")


@pytest.fixture
def there(tmp_path):
    """The environment of an empty one to restore into."""
    with live._database() as url:
        folder = tmp_path / "restored"
        folder.mkdir()
        yield around(url, folder, folder / "media", tmp_path / "backup")


@pytest.fixture
def alices_account(alice):
    return ledger.open_account(alice.pk)


def made_video(user, tmp_path) -> Video:
    job = lifecycle.claim(lifecycle.submit(order_for(user)).id, worker="w1")
    lifecycle.accept(job)
    return Video.objects.get(pk=finish(job, tmp_path))


def renumber_groups() -> None:
    """Give the groups other numbers than `migrate` gives them elsewhere."""
    for number, group in enumerate(Group.objects.order_by("-id"), 77):
        rights = list(group.permissions.all())
        group.delete()
        Group.objects.create(id=number, name=group.name).permissions.set(rights)


def held(environment: dict[str, str]) -> str:
    """Say what is in an installation's books, library and groups, as seen by its own processes."""
    script = (
        "from dust.models import Account; from videos.models import Video; from jobs.models import Job;"
        "from django.contrib.auth.models import Group;"
        "names = ('posted', 'held'), ('id',), ('status',), ('name', 'permissions__codename');"
        "rows = [m.objects.values_list(*n) for m, n in zip((Account, Video, Job, Group), names)];"
        "print([sorted(map(str, found)) for found in rows])"
    )
    return shell(f'python manage.py shell --no-imports -c "{script}"', environment).splitlines()[-1]


def test_a_backup_of_a_live_installation_restores_whole(alice, alices_account, tmp_path, here, there):
    kept, deleted = made_video(alice, tmp_path), made_video(alice, tmp_path)
    running = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    lifecycle.accept(running)
    before = held(here)

    dump, _, copy = drill(f"backup-{connection.vendor}").partition("rsync")
    shell(dump, here)
    library.delete(deleted)  # between the two copies: one goes, one comes
    made_meanwhile = finish(running, tmp_path)
    shell(f"rsync{copy}", here)

    shell(drill(f"restore-{connection.vendor}"), there)
    said = shell(drill("after-restore"), there)
    assert "Every rule holds." in said
    assert "orphaned files removed: 2" in said  # video and poster of the one that came
    assert "videos without their file: 1" in said
    assert str(deleted.pk) in said
    assert str(made_meanwhile) not in held(there)
    assert held(there) == before
    assert (Path(there["MEDIA_ROOT"]) / kept.file).read_bytes() == b"a video"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="starts from SQLite")
def test_an_installation_moves_from_sqlite_to_postgresql(
    alice, bob, alices_account, tmp_path, here, monkeypatch
):
    server = services.postgresql()
    if server is None:
        pytest.skip("no PostgreSQL")
    made_video(alice, tmp_path)
    lifecycle.submit(order_for(alice))
    renumber_groups()
    Path(here["BACKUP"]).mkdir()
    before = held(here)
    shell(drill("dump-rows"), here)
    monkeypatch.setenv("DATABASE_URL", server)
    with live._database() as url:
        moved = here | {"DATABASE_URL": url}
        assert "Every rule holds." in shell(drill("load-rows"), moved)
        assert held(moved) == before
        # new rows get numbers of their own, and the ledger goes on
        shell("python manage.py create_token dora --grant 5", moved)
        assert "requeued: 0" not in shell("REQUEUE_AFTER_SECONDS=0 python manage.py reap_jobs", moved)
        assert "Every rule holds." in shell("python manage.py reconcile_dust", moved)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="roles are PostgreSQL's")
def test_the_service_runs_with_a_role_that_can_only_read_and_write_rows(tmp_path):
    role = f"videoapi_{secrets.token_hex(4)}"
    with live._database() as owners:
        environment = around(owners, tmp_path, tmp_path / "media", tmp_path)
        shell("python manage.py migrate --verbosity=0", environment)
        script = drill("role").replace("videoapi_service", role).replace("change-me", SERVICE_PASSWORD)
        with psycopg.connect(owners, autocommit=True) as connected:
            connected.execute(script)
            try:
                serve_as(role, owners, tmp_path)
            finally:
                connected.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(role)))
                connected.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


class Served(live.Installation):
    """One whose database its owner has migrated."""

    @contextlib.contextmanager
    def database(self):
        yield


def serve_as(role: str, owners: str, folder: Path) -> None:
    """Make a video, delete it and audit the books as the role; what it must not do is refused."""
    server = environ.Env.db_url_config(owners)
    place = f"{server['HOST']}:{server['PORT'] or 5432}/{server['NAME']}"
    url = f"postgres://{role}:{SERVICE_PASSWORD}@{place}"
    with Served(folder, DATABASE_URL=url, REHEARSAL="true") as installation:
        alice = installation.user("alice")
        installation.manage("dust_grant", "alice", "50", "--reason=test")
        job = alice.submit("/videos/generate", key="k1", json={"prompt": "a fjord", "model": "rehearsal"})
        assert [*alice.follow(job["job_id"])][-1]["status"] == "completed"
        assert "Every rule holds." in installation.manage("reconcile_dust")
        installation.manage("sweep")
        alice.close()
    for statement in (
        "TRUNCATE dust_transfer",
        "DROP TABLE jobs_job",
        "DELETE FROM dust_transfer",
        "ALTER TABLE dust_transfer DISABLE TRIGGER USER",
        "CREATE TABLE mine (id int)",
    ):
        with psycopg.connect(url) as connected, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connected.execute(statement)
