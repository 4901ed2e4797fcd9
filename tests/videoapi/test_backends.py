"""What the connections are told: asked of the database itself, or of what is given to their libraries."""

import pytest
from django.db import connection

from videoapi import backends

pytestmark = pytest.mark.django_db
FULL = 2  # SQLite's number for it


def test_a_commit_is_on_the_disk_before_anybody_is_told_of_it():
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('synchronous_commit')")
            assert cursor.fetchone() == ("on",)
        else:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (FULL,)


def test_no_request_waits_long_for_a_connection_to_what_is_away():
    """In seconds. Tests of outages show that calls end, and not how soon: a busy machine takes its time."""
    assert backends.POOL["timeout"] <= 5
    assert backends.POSTGRESQL["connect_timeout"] <= 5
    assert max(backends.REDIS["socket_connect_timeout"], backends.REDIS["socket_timeout"]) <= 2
