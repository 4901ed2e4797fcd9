"""Fixtures for every test: Alice (the owner), Bob (a stranger), Charlie (staff)."""

import concurrent.futures
import os
import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection, connections
from rest_framework.test import APIClient

from accounts.models import User
from dust import triggers
from jobs import support
from tests import flush, migrated
from tests import held as holding

# Real processes, files or pages in which the database plays no part.
RUN_ONCE = (
    "tests/browser/",
    "tests/clients/",
    "tests/cog/",
    "tests/diffusers/",
    "tests/faults/",  # they bring servers of their own
    "tests/jobs/images/",
    "tests/jobs/openai_face/test_client.py",
    "tests/jobs/test_child.py",
    "tests/jobs/test_kept.py",
    "tests/jobs/test_poison.py",
    "tests/providers/",
    "tests/remote/adapters/",
    "tests/remote/official/",
    "tests/remote/test_contract.py",
    "tests/remote/test_echoes.py",
    "tests/remote/test_kills.py",
    "tests/remote/test_tls.py",
    "tests/videoapi/test_body_limit.py",
    "tests/videoapi/test_deployment.py",  # brings a PostgreSQL database of its own
    "tests/videoapi/test_openapi.py",
    "tests/videoapi/test_processes.py",
    "tests/webhooks/test_javascript.py",
    "tests/webhooks/test_killed.py",
)
# The tests of each share an installation, which is closed when a test of another folder comes.
SHARING = ("tests/browser/", "tests/clients/", "tests/hostile/")


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL leave out what was shown, and keep together what shares an installation."""
    _leave_out(config, items)
    _keep_together(items)


def _keep_together(items):
    """Where the shuffle put the first of a folder all of its tests come: an idle installation is not free."""
    places: dict[str, int] = {}
    for place, item in enumerate(items):
        places.setdefault(_home(item), place)
    items.sort(key=lambda item: places[_home(item)])


def _home(item):
    return next((folder for folder in SHARING if item.nodeid.startswith(folder)), item.nodeid)


def _leave_out(config, items):
    """Leave out what can't tell one database from another: the run on SQLite has it."""
    if not os.environ.get("DATABASE_URL"):
        return
    told_apart = [item for item in items if _meets_a_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(told_apart)])
    items[:] = told_apart


def _meets_a_database(item):
    if item.nodeid.startswith(RUN_ONCE):
        return False
    marks = {mark.name for mark in item.iter_markers()}
    asked_for = {"db", "transactional_db"} & set(item.fixturenames)
    return bool(marks & {"django_db", "slow", "browser", "fuzz"} or asked_for)


@pytest.fixture
def flush_with_all_or_none():
    """Asked for before pytest-django's own fixture, below: so it is still there when that one flushes."""
    with connection.execute_wrapper(flush.with_all_or_none):
        yield


@pytest.fixture
def _django_db_helper(flush_with_all_or_none, _django_db_helper):
    """Let a transactional test empty the ledger when it ends.

    SQLite empties tables by DELETE, which the ledger's triggers refuse. They go just before the flush (this
    fixture is set up after pytest-django's, so it is torn down first), and the `post_migrate` that ends a
    flush brings them back. PostgreSQL truncates: no trigger is in the way.
    """
    yield
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        triggers.remove(connection)


@pytest.fixture(scope="session", autouse=True)
def shared_folder(request, tmp_path_factory):
    """Of all xdist workers, where they find the one migrated database; without workers, the run's own."""
    own = tmp_path_factory.getbasetemp()
    migrated.folder = own.parent if hasattr(request.config, "workerinput") else own
    return migrated.folder


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """Files of a test go to its own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "videos.storage.DurableFileStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }
    return tmp_path / "media"


@pytest.fixture
def static_files_as_deployed(settings):
    """Listed once, at the start."""
    settings.WHITENOISE_AUTOREFRESH = False


@pytest.fixture(autouse=True)
def no_memories():
    """Nothing remembered by one test (rates, estimates, statistics) is seen by the next."""
    cache.clear()


@pytest.fixture(scope="session")
def gate_of_held(tmp_path_factory):
    """Where there is a file while jobs of the model `held` may go on."""
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture
def held(gate_of_held):
    """They stay at work until this is called, or the test ends: others need the workers."""
    gate_of_held.unlink(missing_ok=True)
    yield gate_of_held.touch
    if not gate_of_held.exists():
        gate_of_held.touch()
        time.sleep(2 * holding.LOOK_SECONDS)  # before the next test shuts it


@pytest.fixture
def together():
    """Call a function with each argument at the same moment, in threads with connections of their own."""

    def run(function, arguments):
        arguments = list(arguments)
        barrier = threading.Barrier(len(arguments))

        def one(argument):
            try:
                barrier.wait(30)
                return function(argument)
            finally:
                connections.close_all()

        with concurrent.futures.ThreadPoolExecutor(len(arguments)) as pool:
            return list(pool.map(one, arguments))

    return run


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice", "alice@example.com", "alice-password")


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob", "bob@example.com", "bob-password")


@pytest.fixture
def charlie(db):
    """Staff with every right."""
    return User.objects.create_superuser("charlie", "charlie@example.com", "charlie-password")


@pytest.fixture
def sam(db):
    """Support staff: no superuser, with the rights of the group alone."""
    user = User.objects.create_user("sam", "sam@example.com", "sam-password", is_staff=True)
    user.groups.add(Group.objects.get(name=support.GROUP))
    return user


@pytest.fixture
def desk(client, sam):
    """A browser in which Sam has signed in to the admin."""
    client.force_login(sam)
    return client


@pytest.fixture
def api(alice):
    """A client signed in as Alice, past authentication (whose own tests are in tests/accounts)."""
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def bobs_api(bob):
    client = APIClient()
    client.force_authenticate(bob)
    return client
