"""The queue: in order, with delays, once each, never hoarded, and patient with the database."""

import contextlib
import datetime
import threading
import time
import uuid

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django_q.signing import SignedPackage

from jobs import broker as broker_module
from jobs import housekeeping, lifecycle, queue, workers
from jobs.broker import Broker
from jobs.models import Message
from tests.jobs.making import move_clock

pytestmark = pytest.mark.django_db(transaction=True)
ONLY_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own")


def job_of(message):
    return SignedPackage.loads(message[1])["args"][0]


def take(broker=None):
    """Return the job of the next message, which stays taken."""
    found = (broker or Broker("render")).dequeue()
    return found and job_of(found[0])


def serve(broker=None):
    """Return the job of the next message, and be done with it."""
    broker = broker or Broker("render")
    if not (found := broker.dequeue()):
        return None
    broker.acknowledge(found[0][0])
    return job_of(found[0])


def wake(job_id, **options):
    queue.wake(job_id, queue="render", **options)


@pytest.fixture
def ids():
    return [uuid.uuid4() for _ in range(5)]


@pytest.fixture
def as_cluster(monkeypatch):
    """Be a process of the named cluster from here on."""
    return lambda name: monkeypatch.setenv("VIDEOAPI_WORKER", name)


@contextlib.contextmanager
def database_away():
    """For every thread: they share the address."""
    connection.close()
    there, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], "/nowhere/db"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = there


def taken_unawares(holder):
    """Have `holder` take all messages by a commit whose answer was lost."""
    Message.objects.update(holder=holder, due_at=Now() + datetime.timedelta(minutes=45))


def requeued():
    return {count.what: count.number for count in housekeeping.requeue_lost()}["lost jobs requeued"]


def test_messages_are_served_oldest_first_whatever_was_deleted_before_them(ids):
    wake(ids[0])
    wake(ids[1])
    Message.objects.earliest("id").delete()
    for job_id in ids[2:]:
        wake(job_id)
    assert [serve() for _ in range(4)] == [str(job_id) for job_id in ids[1:]]


def test_a_message_that_was_taken_is_not_served_again_until_its_time_is_over(ids, as_cluster):
    wake(ids[0])
    as_cluster("a")
    assert take() == str(ids[0])
    as_cluster("b")
    assert take() is None
    Message.objects.update(due_at=Now())
    assert take() == str(ids[0])


def test_a_cluster_takes_no_more_than_it_has_workers_for(ids, as_cluster):
    """What it took beyond that would wait in its memory while another cluster is idle."""
    wake(ids[0])
    wake(ids[1])
    as_cluster("a")
    assert take() == str(ids[0])  # there is one worker process here
    assert take() is None
    as_cluster("b")
    assert take() == str(ids[1])


def test_a_cluster_that_was_retired_takes_nothing_more(ids, as_cluster):
    workers.register("a", queue="render", processes=1)
    workers.retire(["a"])
    wake(ids[0])
    as_cluster("a")
    assert take() is None
    as_cluster("b")
    assert take() == str(ids[0])


def test_what_a_dead_cluster_had_taken_is_served_at_once_when_it_is_freed(ids, as_cluster):
    wake(ids[0])
    as_cluster("a")
    take()
    assert queue.free("a") == 1
    as_cluster("b")
    assert take() == str(ids[0])


def test_what_silent_clusters_had_taken_is_freed_and_what_living_ones_have_is_not(ids, as_cluster):
    for name, job_id in zip("abc", ids, strict=False):
        workers.register(name, queue="render", processes=1)
        wake(job_id)
        as_cluster(name)
        take()
    workers.Worker.objects.filter(id="b").update(seen_at=Now() - 2 * workers.sign_of_life())
    workers.forget("c")
    assert queue.free_of_the_dead(dry_run=True) == 2
    assert queue.free_of_the_dead() == 2
    assert list(Message.objects.held().values_list("holder", flat=True)) == ["a"]


def test_a_job_that_had_its_turn_goes_before_all_that_wait(ids, as_cluster):
    """Its user has been charged, and waited once."""
    wake(ids[0])
    wake(ids[1])
    wake(ids[2], first=True)
    as_cluster("a")
    assert take() == str(ids[2])
    queue.free("a")
    assert [serve() for _ in range(3)] == [str(ids[2]), str(ids[0]), str(ids[1])]


def test_a_message_that_was_taken_without_our_hearing_of_it_is_given_out_once_after_the_outage(
    ids, as_cluster, monkeypatch
):
    """The commit was done and its answer lost: else nobody would work on it, and a worker be idle for it."""
    monkeypatch.setattr(broker_module, "AWAY_SECONDS", 0)
    as_cluster("a")
    broker = Broker("render")
    wake(ids[0])
    taken_unawares("a")
    assert take(broker) is None
    for expected in (str(ids[0]), None):
        with database_away():
            assert take(broker) is None
        assert take(broker) == expected


def test_a_message_that_went_astray_is_found_at_the_next_comparison_and_what_is_worked_on_is_not(
    ids, as_cluster, monkeypatch
):
    """A commit that hung with its server may be done later than we look."""
    monkeypatch.setattr(broker_module, "COMPARE_SECONDS", 0)
    as_cluster("a")
    broker = Broker("render")
    wake(ids[0])
    assert [take(broker), take(broker)] == [str(ids[0]), None]
    wake(ids[1])
    taken_unawares("a")
    assert [take(broker), take(broker)] == [str(ids[1]), None]


def test_a_cluster_that_is_stopping_gives_nothing_out_that_went_astray(ids, as_cluster, monkeypatch):
    monkeypatch.setattr(broker_module, "COMPARE_SECONDS", 0)
    workers.register("a", queue="render", processes=1)
    workers.retire(["a"])
    as_cluster("a")
    wake(ids[0])
    taken_unawares("a")
    assert take() is None


def test_a_job_whose_message_a_living_cluster_took_and_forgot_is_woken_again(submit, as_cluster, settings):
    job = submit()
    move_clock(job, minutes=5)
    workers.register("a", queue="render", processes=1)
    as_cluster("a")
    take()
    assert requeued() == 0  # its worker is about to claim it
    [message] = Message.objects.all()
    taken_at = message.due_at - settings.REQUEUE_AFTER
    Message.objects.update(due_at=taken_at)
    assert [requeued(), requeued()] == [1, 0]
    as_cluster("b")
    assert take() == str(job.id)
    assert lifecycle.claim(job.id, worker="b")


def test_an_acknowledgement_is_repeated_until_the_database_is_back(ids, together, monkeypatch):
    """A message that is kept uses up a worker of its cluster."""
    monkeypatch.setattr(broker_module, "AWAY_SECONDS", 0.001)
    wake(ids[0])
    broker = Broker("render")
    [held] = broker.dequeue()
    gone = threading.Event()

    def act(what):
        if what == "acknowledge":
            gone.wait(10)
            broker.acknowledge(held[0])
        else:
            with database_away():
                gone.set()
                time.sleep(3)

    together(act, ["acknowledge", "an outage of more than a few tries"])
    assert not Message.objects.exists()


@ONLY_POSTGRESQL
def test_a_cluster_that_is_stopping_does_not_wait_to_acknowledge(ids, as_cluster):
    workers.register("a", queue="render", processes=1)
    as_cluster("a")
    wake(ids[0])
    broker = Broker("render")
    [held] = broker.dequeue()
    workers.retire(["a"])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE 'No space left' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER full_disk BEFORE DELETE ON jobs_message EXECUTE FUNCTION full_disk()"
        )
    broker.acknowledge(held[0])  # returns
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION full_disk CASCADE")
    assert Message.objects.held().exists()


def test_a_message_is_due_in_the_millisecond_that_sent_it():
    for _ in range(100):
        wake(uuid.uuid4())
        assert queue.any_waiting("render")
        Message.objects.all().delete()


def test_whether_a_message_waits_is_told_without_counting_them(ids):
    wake(ids[0], delay=datetime.timedelta(seconds=60))
    assert not queue.any_waiting("render")
    wake(ids[1])
    with CaptureQueriesContext(connection) as captured:
        assert queue.any_waiting("render")
    assert "COUNT" not in str(captured.captured_queries)
    assert not queue.any_waiting("remote")
    take()
    assert not queue.any_waiting("render")


def test_a_delayed_message_waits_and_the_others_do_not_wait_for_it(ids):
    wake(ids[0], delay=datetime.timedelta(seconds=60))
    wake(ids[1])
    assert serve() == str(ids[1])
    assert serve() is None
    assert queue.waiting("render") == 0


def test_a_queue_serves_only_its_own(ids):
    queue.wake(ids[0], queue="remote")
    wake(ids[1])
    assert serve() == str(ids[1])
    assert serve() is None
    assert queue.waiting("remote") == 1


def test_an_acknowledged_message_is_gone(ids):
    wake(ids[0])
    serve()
    assert not Message.objects.exists()


@pytest.mark.parametrize("payload", ["", "garbage", "a:b:c", "x" * 10_000, "signed"])
def test_a_message_that_cannot_be_read_is_dropped_and_the_next_one_served(ids, payload, monkeypatch):
    """The engine's pusher dies of it, is born again, and dies of it again."""
    wake(ids[0])
    if payload == "signed":  # by us, and of code that is no more
        payload = SignedPackage.dumps({"func": Gone})
        monkeypatch.delattr(f"{__name__}.Gone")
    Message.objects.update(payload=payload)
    wake(ids[1])
    assert [serve() for _ in range(2)] == [None, str(ids[1])]
    assert not Message.objects.exists()


class Gone:
    """A class that a message may name."""


def test_a_message_vanishes_with_the_transaction_that_sent_it(ids):
    with transaction.atomic():
        wake(ids[0])
        transaction.set_rollback(True)
    assert take() is None


def test_clusters_that_ask_at_once_get_each_message_once(together):
    ids = [str(uuid.uuid4()) for _ in range(40)]
    for job_id in ids:
        wake(job_id)

    def drain(_):
        served, empty = [], 0
        while empty < 2:
            job_id = serve()
            served, empty = (served + [job_id], 0) if job_id else (served, empty + 1)
        return served

    found = [job_id for served in together(drain, range(6)) for job_id in served]
    assert sorted(found) == sorted(ids)


@ONLY_POSTGRESQL
def test_a_waiting_cluster_is_told_at_once(ids, monkeypatch):
    monkeypatch.setattr(broker_module, "LISTEN_SECONDS", 0)
    found, started = [], threading.Event()

    def listen():
        broker = Broker("render")
        broker.dequeue()  # nothing yet; from here on it is told
        monkeypatch.setattr(broker_module, "LISTEN_SECONDS", 60)
        started.set()
        found.append(take(broker) or take(broker))
        connections.close_all()

    thread = threading.Thread(target=listen)
    thread.start()
    assert started.wait(30)
    time.sleep(0.3)  # it waits by now, or is about to
    wake(ids[0])
    thread.join(50)  # one that nobody tells waits longer
    assert found == [str(ids[0])]


def test_a_backlog_is_read_from_the_front_of_an_index():
    rows = [Message(queue="render", payload="-", due_at=Now()) for _ in range(5000)]
    Message.objects.bulk_create(rows, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_message")
    plan = Broker("render")._waiting_for("a")[:1].explain()
    assert "message_in_turn" in plan
    for slow in ("Sort", "TEMP B-TREE", "Seq Scan on jobs_message", "SCAN jobs_message", "SCAN U0"):
        assert slow not in plan


@ONLY_POSTGRESQL
def test_a_look_at_an_empty_queue_is_one_statement():
    """An idle cluster looks each second, and there may be many."""
    with CaptureQueriesContext(connection) as captured:
        assert take() is None
    assert sum("SELECT" in query["sql"] for query in captured.captured_queries) == 1


@ONLY_POSTGRESQL
def test_a_connection_that_is_cut_does_not_end_the_pusher(ids):
    broker = Broker("render")
    wake(ids[0])
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
