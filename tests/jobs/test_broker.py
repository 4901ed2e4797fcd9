"""The queue: in order, with delays, once each, and patient with the database."""

import datetime
import threading
import time
import uuid

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from jobs import queue
from jobs.broker import Broker


def job_of(message):
    return SignedPackage.loads(message[1])["args"][0]


def take(broker=None):
    found = (broker or Broker()).dequeue()
    return found and job_of(found[0])


@pytest.fixture
def ids():
    return [uuid.uuid4() for _ in range(5)]


@pytest.mark.django_db
def test_messages_are_served_oldest_first_whatever_was_deleted_before_them(ids):
    queue.wake(ids[0])
    queue.wake(ids[1])
    OrmQ.objects.earliest("id").delete()
    for job_id in ids[2:]:
        queue.wake(job_id)
    assert [take() for _ in range(4)] == [str(job_id) for job_id in ids[1:]]


@pytest.mark.django_db
def test_a_message_that_was_taken_is_not_served_again_until_its_time_is_over(ids):
    queue.wake(ids[0])
    assert take() == str(ids[0])
    assert take() is None
    OrmQ.objects.update(lock=timezone.now())
    assert take() == str(ids[0])


@pytest.mark.django_db
def test_a_delayed_message_waits_and_the_others_do_not_wait_for_it(ids):
    queue.wake(ids[0], delay=datetime.timedelta(seconds=60))
    queue.wake(ids[1])
    assert take() == str(ids[1])
    assert take() is None
    assert queue.waiting() == 0


@pytest.mark.django_db
def test_an_acknowledged_message_is_gone(ids):
    queue.wake(ids[0])
    [(message, _)] = Broker().dequeue()
    Broker().acknowledge(message)
    assert not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_vanishes_with_the_transaction_that_sent_it(ids):
    with transaction.atomic():
        queue.wake(ids[0])
        transaction.set_rollback(True)
    assert take() is None


@pytest.mark.django_db(transaction=True)
def test_clusters_that_ask_at_once_get_each_message_once(together):
    ids = [str(uuid.uuid4()) for _ in range(40)]
    for job_id in ids:
        queue.wake(job_id)

    def drain(_):
        taken, empty = [], 0
        while empty < 2:
            job_id = take()
            taken, empty = (taken + [job_id], 0) if job_id else (taken, empty + 1)
        return taken

    found = [job_id for taken in together(drain, range(6)) for job_id in taken]
    assert sorted(found) == sorted(ids)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a connection of SQLite has nothing to lose")
def test_a_connection_that_is_cut_does_not_end_the_pusher(ids):
    broker = Broker()
    queue.wake(ids[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()

    def cut():
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connections.close_all()

    thread = threading.Thread(target=cut)
    thread.start()
    thread.join()
    time.sleep(0.2)
    served = [take(broker) for _ in range(3)]
    assert str(ids[0]) in served
