"""What the connections to the database are told, asked of the database itself."""

import pytest
from django.db import connection

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
