"""Fixtures for jobs: an order of Alice's, and a shortcut to each state."""

import dataclasses

import pytest

from dust import ledger
from jobs import lifecycle
from jobs.models import Job
from tests.jobs.making import order_for


@pytest.fixture
def order(alice):
    return order_for(alice)


@pytest.fixture
def queued(order):
    return lifecycle.submit(order)


@pytest.fixture
def starting(queued):
    return lifecycle.claim(queued.id, worker="w1")


@pytest.fixture
def processing(starting):
    lifecycle.accept(starting)
    return starting


@pytest.fixture
def dust_of(db):
    """What a user's account says: (posted, held)."""

    def read(user):
        balance = ledger.balance(user.pk)
        return balance.balance, balance.held

    return read


@pytest.fixture
def fresh():
    """The job as the database has it now."""
    return lambda job: Job.objects.get(id=job.id)


@pytest.fixture
def submit(alice):
    """Submit an order of Alice's with some fields changed."""
    return lambda **changes: lifecycle.submit(dataclasses.replace(order_for(alice), **changes))
