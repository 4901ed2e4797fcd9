"""A test that ends empties the tables, whatever it left behind is reading."""

import threading
import time

import pytest
from django.db import connection, connections, transaction

from accounts.models import User
from jobs.models import JobEvent

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all tables")
PATIENCE = 60
# What another session does when it waits for a table, or has come to try again.
FLUSHES = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND (query LIKE 'TRUNCATE %' AND wait_event_type = 'Lock' OR query ~ '^(LOCK|ROLLBACK TO|RELEASE)')
"""


class Reader(threading.Thread):
    """Reads one table and, once a flush has begun, another, in one transaction."""

    def __init__(self, first, second):
        super().__init__()
        self.tables = first, second
        self.has_one = threading.Event()
        self.error = None

    def run(self):
        first, second = self.tables
        try:
            with transaction.atomic():
                first.objects.exists()
                self.has_one.set()
                _wait_for_a_flush()
                second.objects.exists()
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()


def _wait_for_a_flush():
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(FLUSHES)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.05)
    raise AssertionError("no flush began")


@pytest.fixture
def leave(django_db_blocker):
    """Leave a reader behind. Asked for before the database: so it is looked at when the tables are empty."""
    left = []

    def leave(*tables):
        left.append(Reader(*tables))
        left[0].start()
        assert left[0].has_one.wait(PATIENCE)

    yield leave
    with django_db_blocker.unblock():
        left[0].join(PATIENCE)
    assert not left[0].is_alive()
    assert left[0].error is None


@pytest.mark.parametrize("tables", [(User, JobEvent), (JobEvent, User)])
def test_a_flush_never_waits_for_a_reader_with_a_table_in_hand(leave, transactional_db, tables):
    """One of the two has them in another order than the flush."""
    leave(*tables)
