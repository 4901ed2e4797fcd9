"""Fixtures for webhooks: Alice's server, her webhook, and the work of a courier done step by step."""

import datetime

import pytest
from django.db.models import DurationField, F, Value

from jobs import lifecycle
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, order_for
from tests.webhooks.receiving import Listener
from webhooks import deliveries, endpoints, outbox, sending
from webhooks.events import EventType
from webhooks.models import Delivery, Endpoint, Receiver

ALL = list(EventType.values)


@pytest.fixture
def allow(settings):
    """Let these servers be posted to although they are on this machine."""

    def allow(*listeners):
        settings.OUTBOUND_ALLOWED_HOSTS = [
            *settings.OUTBOUND_ALLOWED_HOSTS,
            *(listener.host for listener in listeners),
        ]

    return allow


@pytest.fixture
def server(allow):
    with Listener() as listener:
        allow(listener)
        yield listener


@pytest.fixture
def register(alice):
    """Register a URL; return the endpoint and its secret."""

    def register(url, *, user=alice, event_types=ALL):
        return endpoints.create(user.pk, url=url, event_types=event_types)

    return register


@pytest.fixture
def endpoint(register, server):
    return register(server.url())[0]


@pytest.fixture
def submit(alice):
    def submit(user=alice, **changes):
        return lifecycle.submit(order_for(user, **changes))

    return submit


@pytest.fixture
def through(submit, tmp_path):
    """A job brought through its whole life: "completed", "failed" or "cancelled"."""

    def through(end="completed", **changes):
        job = submit(**changes)
        if end == "cancelled":
            lifecycle.cancel(job)
            return job
        job = lifecycle.claim(job.id, worker="w1")
        lifecycle.accept(job)
        if end == "completed":
            finish(job, tmp_path)
        else:
            lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
        return job

    return through


@pytest.fixture
def carry():
    """Do what a courier does, once, in this thread: tell the news, send what is due, note what came."""

    def carry():
        outbox.fan_out(but=set())
        parcels = deliveries.take([])
        for parcel in parcels:
            deliveries.record(parcel, sending.send(parcel))
        return len(parcels)

    return carry


@pytest.fixture
def carry_all(carry):
    """Do so until nothing is due."""

    def carry_all():
        return sum(iter(carry, 0))

    return carry_all


def pass_time(**by):
    """Make the database's clock stand later: all times of webhooks move back by as much."""
    span = Value(datetime.timedelta(**by), output_field=DurationField())
    for model in (Delivery, Receiver, Endpoint):
        names = [field.name for field in model._meta.fields if field.get_internal_type() == "DateTimeField"]
        model.objects.update(**{name: F(name) - span for name in names})
