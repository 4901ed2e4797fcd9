"""Couriers at work, as supervisors run them: side by side, beside receivers that take their time."""

import dataclasses
import datetime

import pytest
from django.db import connection
from django.utils import timezone

from jobs import crew, lifecycle
from tests.jobs import servers
from tests.jobs.making import order_for
from tests.webhooks.receiving import PATIENCE, Listener, Reply, eventually
from webhooks import courier as courier_module
from webhooks import deliveries, outbox, sending
from webhooks.courier import Courier, _alone
from webhooks.models import Attempt, Delivery, Receiver, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start():
    """Start couriers; they are stopped at the end."""
    started = []

    def start(number=1):
        started.extend(Courier() for _ in range(number))
        for courier in started[-number:]:
            courier.start()
        return started[-number:]

    yield start
    for courier in started:
        courier.stop()
        has_ended(courier)


def silence(connection, request, server):
    server.stopping.wait(300)


def has_ended(courier):
    return eventually(lambda: not courier.is_alive())


def all_delivered():
    return not Delivery.objects.exclude(state=State.DELIVERED).exists()


def test_every_supervisor_runs_one():
    assert [type(hand) for hand in crew.muster()] == [Courier]


def test_two_at_once_send_each_message_once_and_each_jobs_in_order(start, alice, register, server):
    register(server.url())
    jobs = [lifecycle.submit(order_for(alice, cost=0)) for _ in range(20)]
    start(2)
    for job in jobs:
        lifecycle.cancel(job)
    server.wait_for(40)
    eventually(all_delivered)
    assert Attempt.objects.count() == len(server.heard) == 40
    for job in jobs:
        assert server.types(str(job.id)) == ["job.queued", "job.cancelled"]


def test_a_receiver_that_says_nothing_delays_nobody_else(
    start, settings, monkeypatch, alice, bob, register, server
):
    settings.WEBHOOK_TIMEOUT_SECONDS = 60.0
    with servers.serving(silence) as silent:
        settings.OUTBOUND_ALLOWED_HOSTS = [*settings.OUTBOUND_ALLOWED_HOSTS, f"127.0.0.1:{silent.port}"]
        register(silent.url())
        register(server.url(), user=bob)
        for _ in range(20):
            lifecycle.submit(order_for(alice, cost=0))
        [courier] = start()
        eventually(lambda: len(silent.requests) == 4)  # and never more than that
        for _ in range(15):
            lifecycle.submit(order_for(bob, cost=0))
        server.wait_for(15)  # while all of the other's are under way: its time is not over
        assert len(silent.requests) == 4
        assert not Attempt.objects.filter(http_status=None).exists()
        monkeypatch.setattr(courier_module, "STOP_SECONDS", 0)
        courier.stop()  # or it would go on to whoever is lent the port


def test_it_goes_on_after_the_database_dropped_its_connection(start, alice, register, server):
    register(server.url())
    start()
    lifecycle.submit(order_for(alice, cost=0))
    server.wait_for(1)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    lifecycle.submit(order_for(alice, cost=0))
    server.wait_for(2)
    eventually(all_delivered)


def test_what_is_under_way_at_the_stop_is_noted(start, alice, register, server, monkeypatch):
    monkeypatch.setattr(courier_module, "STOP_SECONDS", PATIENCE)
    register(server.url())
    [courier] = start()
    server.answer = lambda heard: (courier._stopping.wait(30), Reply(200))[1]
    lifecycle.submit(order_for(alice, cost=0))
    server.wait_for(1)
    courier.stop()
    assert Delivery.objects.get().state == State.DELIVERED


def test_a_stop_does_not_wait_for_a_receiver_that_says_nothing(start, settings, alice, register, monkeypatch):
    monkeypatch.setattr(courier_module, "STOP_SECONDS", 0.5)
    settings.WEBHOOK_TIMEOUT_SECONDS = 300.0
    with servers.serving(silence) as silent:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{silent.port}"]
        register(silent.url())
        [courier] = start()
        lifecycle.submit(order_for(alice, cost=0))
        eventually(lambda: silent.requests)
        courier.stop()
        has_ended(courier)
    assert Delivery.objects.get().state == State.PENDING  # sent again once its lease is over


def test_what_was_taken_may_be_taken_by_another_after_three_times_what_a_receiver_has(
    settings, alice, register, server
):
    register(server.url())
    lifecycle.submit(order_for(alice, cost=0))
    outbox.fan_out(but=set())
    lease = datetime.timedelta(seconds=3 * settings.WEBHOOK_TIMEOUT_SECONDS)
    before = timezone.now()
    assert len(deliveries.take([])) == 1
    rounding = datetime.timedelta(seconds=0.01)  # SQLite's clock has three digits
    assert before - rounding < Delivery.objects.get().next_at - lease < timezone.now() + rounding


def test_a_lease_that_is_over_is_taken_by_another_and_the_late_answer_changes_nothing(
    settings, alice, register, server
):
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.001
    register(server.url())
    lifecycle.submit(order_for(alice, cost=0))
    outbox.fan_out(but=set())
    [first] = deliveries.take([])
    [second] = eventually(lambda: deliveries.take([]))
    settings.WEBHOOK_TIMEOUT_SECONDS = 15.0
    deliveries.record(first, sending.fault())
    row = Delivery.objects.get()
    assert (row.state, row.claim) == (State.PENDING, second.claim)
    deliveries.record(second, sending.send(second))
    assert Delivery.objects.get().state == State.DELIVERED
    assert Attempt.objects.count() == 2


def test_an_answer_that_cannot_be_noted_counts_as_a_try_that_failed(alice, register, server):
    register(server.url())
    lifecycle.submit(order_for(alice, cost=0))
    outbox.fan_out(but=set())
    [parcel] = deliveries.take([])
    _alone(parcel, dataclasses.replace(sending.fault(), status=-1))  # a status that the table refuses
    row = Delivery.objects.get()
    assert (row.state, row.claim, row.tries) == (State.PENDING, None, 1)
    assert Attempt.objects.get().error == sending.fault().error
    assert Receiver.objects.get().failures == 1


def test_an_answer_for_a_webhook_deleted_meanwhile_is_dropped(start, alice, register, server):
    endpoint, _ = register(server.url())
    with Listener() as other:
        server.answer = lambda heard: (other.closing.wait(30), 200)[1]
        start()
        lifecycle.submit(order_for(alice, cost=0))
        server.wait_for(1)
        endpoint.delete()
    lifecycle.submit(order_for(alice, cost=0, webhook_url=server.url("/own")))
    server.wait_for(2)
    eventually(all_delivered)
    assert Attempt.objects.count() == 1
