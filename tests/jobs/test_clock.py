"""Times as SQLite has them: text, with more or fewer digits."""

import datetime
import uuid

import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs import clock, queue
from jobs.models import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="times of PostgreSQL are numbers"),
]


@pytest.fixture
def stopped_at():
    """Stop the database's clock."""

    def stop(text):
        connection.ensure_connection()
        connection.connection.create_function("strftime", 2, lambda *_: text)

    yield stop
    connection.close()


@pytest.mark.parametrize("fraction", ["000", "001", "345", "999"])
@pytest.mark.parametrize("written", [Now, lambda: clock.from_now(queue.NOW)], ids=["Now", "from_now"])
def test_what_is_due_at_once_is_due_in_the_millisecond_that_wrote_it(written, fraction, stopped_at):
    stopped_at(f"2026-11-28 12:00:12.{fraction}")
    queue.wake(uuid.uuid4(), queue="render")
    Message.objects.update(due_at=written())
    assert Message.objects.due().exists()
    Message.objects.update(due_at=clock.from_now(datetime.timedelta(milliseconds=1)))
    assert not Message.objects.due().exists()
