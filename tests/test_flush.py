"""A test that ends empties the tables, whatever it left behind is reading."""

import threading

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from accounts.models import User
from jobs.models import JobEvent

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one lock for all tables"),
]
PATIENCE = 60


def test_a_flush_never_waits_for_a_reader_with_a_table_in_hand(alice):
    """It has read one table and comes to the other when the flush has been waiting for the first."""
    reads_one, goes_on, failed = threading.Event(), threading.Event(), []

    def read(first, second):
        try:
            with transaction.atomic():
                first.objects.exists()
                reads_one.set()
                goes_on.wait(PATIENCE)
                second.objects.exists()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    for models in [(User, JobEvent), (JobEvent, User)]:  # one of them against the order of the flush
        reads_one.clear()
        goes_on.clear()
        reader = threading.Thread(target=read, args=models)
        reader.start()
        assert reads_one.wait(PATIENCE)
        threading.Timer(0.5, goes_on.set).start()
        call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
        reader.join(PATIENCE)
        assert not failed
    assert not User.objects.exists()
