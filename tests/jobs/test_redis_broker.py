"""The queue in Redis: sent at the commit, in order, once each, never hoarded, patient with its Redis."""

import datetime
import logging
import time
import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django_q.signing import SignedPackage

from jobs import housekeeping, queue, queues, redis_broker, redis_lists, workers
from jobs.models import Job, Message
from jobs.redis_broker import Broker
from tests.faults import servers
from tests.jobs.live.hearing import until
from tests.jobs.making import move_clock

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = {"prompt": "a sea", "model": "rehearsal", "resolution": "sd_480p"}
SEND_SECONDS = redis_lists.SEND_SECONDS  # in the product


@pytest.fixture(scope="module")
def server():
    servers.require()
    with servers.scratch() as folder, servers.Redis(folder) as started:
        yield started


@pytest.fixture(autouse=True)
def redis(server, settings):
    """An empty Redis that keeps the queue."""
    if server.process is None:
        server.start()
    settings.QUEUE_BROKER, settings.REDIS_URL = "redis", server.url
    redis_lists._client().flushdb()
    return server


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """What is sent arrives, however busy the machine is: nobody gives up in less than a second."""
    monkeypatch.setattr(redis_lists, "SEND_SECONDS", 30)


@pytest.fixture
def ids():
    return [uuid.uuid4() for _ in range(5)]


@pytest.fixture
def as_cluster(monkeypatch):
    """Be a process of the named cluster from here on."""
    return lambda name: monkeypatch.setenv("VIDEOAPI_WORKER", name)


def wake(*ids, **options):
    for job_id in ids:
        queue.wake(job_id, queue="render", **options)


def job_of(message):
    return uuid.UUID(SignedPackage.loads(message[1])["args"][0])


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


def serve_within(seconds, broker=None):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := serve(broker):
            return found
    raise AssertionError(f"nothing within {seconds} s")


def requeued():
    return {count.what: count.number for count in housekeeping.requeue_lost()}["lost jobs requeued"]


def test_messages_are_served_oldest_first(ids):
    wake(*ids)
    broker = Broker("render")
    assert [serve(broker) for _ in ids] == ids


def test_a_message_is_sent_when_its_transaction_commits_and_not_before(ids):
    with transaction.atomic():
        wake(ids[0])
        assert queue.waiting("render") == 0
    assert queue.waiting("render") == 1


def test_a_transaction_that_is_rolled_back_sends_nothing(ids):
    with transaction.atomic():
        wake(ids[0])
        transaction.set_rollback(True)
    assert queue.waiting("render") == 0


def test_nothing_of_it_is_in_the_database(submit):
    job = submit()
    assert not Message.objects.exists()
    assert take() == job.id


def test_a_job_that_had_its_turn_is_served_before_all_that_wait(ids):
    wake(*ids[:2])
    wake(ids[2], first=True)
    broker = Broker("render")
    assert [serve(broker) for _ in range(3)] == [ids[2], ids[0], ids[1]]


def test_a_queue_serves_only_its_own(ids):
    queue.wake(ids[0], queue="remote")
    wake(ids[1])
    broker = Broker("render")
    assert [serve(broker), serve(broker)] == [ids[1], None]
    assert queue.waiting("remote") == 1


def test_whether_a_message_waits_is_told(ids):
    wake(ids[0], delay=datetime.timedelta(seconds=60))
    assert not queue.any_waiting("render")
    wake(ids[1])
    assert queue.any_waiting("render")
    take()
    assert not queue.any_waiting("render")


def test_the_search_for_lost_jobs_reads_no_more_than_ids(ids):
    wake(*ids[:3])
    wake(ids[3], delay=datetime.timedelta(seconds=60))
    queue.ask_pulse("render")  # about no job
    take()
    assert sorted(redis_lists.job_ids()) == sorted(["", *map(str, ids[:4])])


def test_a_delayed_message_is_served_when_its_time_has_come_and_the_others_do_not_wait_for_it(ids):
    sent_at = time.monotonic()
    wake(ids[0], delay=datetime.timedelta(seconds=2))
    wake(ids[1])
    broker = Broker("render")
    assert serve(broker) == ids[1]
    assert serve_within(30, broker) == ids[0]
    assert time.monotonic() - sent_at >= 2


def test_a_cluster_takes_no_more_than_it_has_workers_for(ids, as_cluster):
    """What it took beyond that would wait in its memory while another cluster is idle."""
    wake(*ids[:3])
    as_cluster("a")
    broker = Broker("render")
    [held] = broker.dequeue()
    assert job_of(held) == ids[0]  # there is one worker process here
    assert take(broker) is None
    as_cluster("b")
    assert take() == ids[1]
    as_cluster("a")
    broker.acknowledge(held[0])
    assert serve_within(30, broker) == ids[2]


def test_a_message_is_not_given_out_again_while_it_is_worked_on(ids, as_cluster):
    wake(ids[0])
    as_cluster("a")
    broker = Broker("render")
    assert [take(broker), take(broker)] == [ids[0], None]
    as_cluster("b")
    assert take() is None


def test_a_message_that_went_astray_on_a_broken_connection_is_found_again(ids, as_cluster):
    """Redis has noted that we have it; we have never seen it."""
    wake(ids[0])
    as_cluster("a")
    assert redis_lists.take("render", "a")
    assert take() == ids[0]


def test_a_cluster_that_was_retired_takes_nothing_more(ids, as_cluster):
    workers.register("a", queue="render", processes=1)
    workers.retire(["a"])
    wake(ids[0])
    as_cluster("a")
    assert take() is None
    as_cluster("b")
    assert take() == ids[0]


def test_what_a_dead_cluster_had_taken_is_served_before_all_others_in_the_old_order(ids, as_cluster):
    wake(*ids)
    as_cluster("a")
    take()
    redis_lists.take("render", "a")  # as with two workers
    assert queue.free("a") == 2
    as_cluster("b")
    broker = Broker("render")
    assert [serve(broker) for _ in ids] == ids
    assert queue.free("a") == 0


def test_what_silent_clusters_had_taken_is_freed_and_what_living_ones_have_is_not(ids, as_cluster):
    for name, job_id in zip("abc", ids, strict=False):
        workers.register(name, queue="render", processes=1)
        wake(job_id)
        as_cluster(name)
        take()
    workers.Worker.objects.filter(id="b").update(seen_at="2020-01-01T00:00Z")
    workers.forget("c")
    assert queue.free_of_the_dead(dry_run=True) == 2
    assert queue.free_of_the_dead() == 2
    assert queue.waiting("render") == 2
    assert redis_lists.holders() == {"a": "render"}


def test_what_a_cluster_takes_that_was_taken_for_dead_while_it_waited_is_not_forgotten(
    ids, as_cluster, together, monkeypatch
):
    monkeypatch.setattr(redis_lists, "WAIT_SECONDS", 4)
    as_cluster("a")
    redis_lists.look("render", "a")

    def wait_or_be_freed(turn):
        if turn == "wait":
            return redis_lists.take("render", "a")
        until(lambda: redis_lists._client().info("clients")["blocked_clients"] == 1)
        queue.free("a")
        wake(ids[0])
        return None

    taken, _ = together(wait_or_be_freed, ["wait", "be freed"])
    assert str(ids[0]) in taken
    assert queue.free_of_the_dead() == 1  # it died right then: nothing else has noted it since
    assert queue.waiting("render") == 1


@pytest.mark.parametrize("payload", ["", "garbage", "a:b:c", "x" * 10_000, "\udcff", "signed"])
def test_a_message_that_cannot_be_read_is_dropped_and_the_next_one_served(ids, payload, monkeypatch):
    if payload == "signed":  # by us, and of code that is no more
        payload = SignedPackage.dumps({"func": Gone})
        monkeypatch.delattr(f"{__name__}.Gone")
    redis_lists.send("render", f"{ids[0]}|{payload}", delay=queue.NOW)
    redis_lists.send("render", "no bar at all", delay=queue.NOW)
    wake(ids[1])
    broker = Broker("render")
    assert [serve(broker) for _ in range(3)] == [None, None, ids[1]]
    assert list(redis_lists.job_ids()) == []


class Gone:
    """A class that a message may name."""


def test_clusters_that_ask_at_once_get_each_message_once(together, ids):
    ids = [uuid.uuid4() for _ in range(40)]
    wake(*ids)

    def drain(number):
        holder, served = f"cluster {number}", []
        while message := redis_lists.take("render", holder):
            served.append(uuid.UUID(message.partition("|")[0]))
            redis_lists.remove(message, holder)
        return served

    found = [job_id for served in together(drain, range(4)) for job_id in served]
    assert sorted(found) == sorted(ids)


@pytest.mark.parametrize("page", [1, 2, 100])
def test_of_many_waiting_jobs_exactly_those_without_a_message_are_sent_again(
    submit, settings, as_cluster, monkeypatch, page
):
    monkeypatch.setattr(redis_broker, "PAGE", page)
    settings.MAX_ACTIVE_JOBS = 100
    jobs = [submit(cost=0) for _ in range(6)]
    as_cluster("a")
    workers.register("a", queue="render", processes=1)
    take()  # the first one's message is taken, the last one's delayed, those between wait
    redis_lists._client().ltrim(redis_lists._waiting("render"), 1, -2)
    wake(jobs[-1].id, delay=datetime.timedelta(minutes=1))
    for job in jobs:
        move_clock(job, minutes=5)
    assert requeued() == 1
    assert requeued() == 0
    assert sorted(redis_lists.job_ids()) == sorted(str(job.id) for job in jobs)


def test_the_search_for_lost_jobs_reads_long_queues_to_their_end(submit):
    job = submit()
    others = [f"{uuid.uuid4()}|-" for _ in range(2 * redis_lists.PAGE + 10)]
    redis_lists._client().rpush(redis_lists._waiting("render"), *others)
    move_clock(job, minutes=5)
    assert requeued() == 0
    assert sum(1 for _ in redis_lists.job_ids()) == 2 * redis_lists.PAGE + 11


def test_all_that_was_lost_with_redis_is_sent_again_once(submit, redis):
    jobs = [submit() for _ in range(3)]
    redis.kill()
    redis.start()
    for job in jobs:
        move_clock(job, minutes=5)
    assert requeued() == 3
    assert requeued() == 0
    broker = Broker("render")
    assert [serve(broker) for _ in jobs] == [job.id for job in jobs]


def test_a_restart_in_the_middle_of_the_wait_does_not_end_the_pusher(ids, redis):
    broker = Broker("render")
    assert take(broker) is None
    redis.kill()
    assert take(broker) is None
    redis.start()
    wake(ids[0])
    assert serve_within(30, broker) == ids[0]


def test_the_sweep_goes_on_while_redis_is_away_and_finds_the_jobs_later(submit, redis, caplog):
    job = submit()
    move_clock(job, minutes=5)
    redis.kill()
    with caplog.at_level(logging.WARNING):
        assert {count.number for count in housekeeping.requeue_lost()} == {0}
        assert queue.free("a") == 0
    assert "Redis does not answer" in caplog.text
    redis.start()
    assert requeued() == 1
    assert take() == job.id


def test_a_submit_while_redis_is_down_is_taken_and_its_job_found_by_the_sweep(api, redis):
    redis.kill()
    answer = api.post("/videos/generate", ORDER, format="json")
    assert answer.status_code == 202
    redis.start()
    job = Job.objects.get(id=answer.json()["job_id"])
    assert take() is None
    move_clock(job, minutes=5)
    assert requeued() == 1
    assert take() == job.id


def test_a_submit_while_redis_hangs_is_taken_within_about_a_second(api, redis, monkeypatch):
    monkeypatch.setattr(redis_lists, "SEND_SECONDS", SEND_SECONDS)
    api.post("/videos/generate", ORDER, format="json")  # has loaded what it needs, and holds a connection
    redis.freeze()
    try:
        begun = time.monotonic()
        answers = [api.post("/videos/generate", ORDER, format="json") for _ in range(3)]
        assert time.monotonic() - begun < 3 * redis_lists.SERVE_SECONDS  # as long as others wait for it
    finally:
        redis.thaw()
    assert {answer.status_code for answer in answers} == {202}


def test_an_acknowledgement_is_repeated_until_redis_is_back(ids, redis, together, caplog):
    wake(ids[0])
    broker = Broker("render")
    [held] = broker.dequeue()
    redis.freeze()

    def act(what):
        if what == "thaw":
            until(lambda: "will acknowledge again" in caplog.text)
            redis.thaw()
        else:
            broker.acknowledge(held[0])

    together(act, ["thaw", "acknowledge"])
    assert list(redis_lists.job_ids()) == []


def test_a_cluster_that_is_stopping_does_not_wait_for_redis(ids, redis, as_cluster):
    workers.register("a", queue="render", processes=1)
    as_cluster("a")
    wake(ids[0])
    broker = Broker("render")
    [held] = broker.dequeue()
    workers.retire(["a"])
    redis.kill()
    broker.acknowledge(held[0])  # returns


@pytest.mark.parametrize(("name", "url"), [("redis", ""), ("rabbit", "redis://host/0")])
def test_a_broker_that_cannot_work_is_refused_with_the_reason(name, url):
    with pytest.raises(ImproperlyConfigured, match="QUEUE_BROKER"):
        queues.broker(name, redis_url=url)
