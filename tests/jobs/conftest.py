"""Fixtures for jobs: an order of Alice's, and a shortcut to each state."""

import dataclasses

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from accounts.models import User
from dust import ledger, triggers
from jobs import lifecycle
from jobs.models import Job
from jobs.providers.base import FailureCode
from tests.jobs.desk import WHY, address
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
def unguarded(db):
    """Let a test spoil the books, as nothing in the product can."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


@pytest.fixture
def indexes(db):
    """Have PostgreSQL use them though all rows would be read sooner. To be asked for before any row."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE jobs_job CASCADE")  # else it may plan by what other tests had there
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")


@pytest.fixture
def fresh():
    """The job as the database has it now."""
    return lambda job: Job.objects.get(id=job.id)


@pytest.fixture
def submit(alice):
    """Submit an order of Alice's with some fields changed."""
    return lambda **changes: lifecycle.submit(dataclasses.replace(order_for(alice), **changes))


@pytest.fixture
def fiona(db):
    """Finance staff: no superuser, with the rights of the group alone."""
    user = User.objects.create_user("fiona", "fiona@example.com", "fiona-password", is_staff=True)
    user.groups.add(Group.objects.get(name="Finance"))
    return user


@pytest.fixture
def do(desk):
    """Open an action's page and send its form; return the page that follows."""

    def act(job, name, **fields):
        form = desk.get(address(job, name)).context["form"]
        filled = {"reason": WHY, **{key: form[key].value() for key in form.fields if key != "reason"}}
        return desk.post(address(job, name), {**filled, **fields}, follow=True)

    return act


@pytest.fixture
def failed(processing):
    lifecycle.fail(processing, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    return processing
