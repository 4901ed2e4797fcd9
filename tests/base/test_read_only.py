"""A server that only reads (a standby, a primary that has just become one) is away: nothing is lost by it."""

import pytest
from django.db import OperationalError, connection, connections, transaction
from rest_framework.test import APIClient

from jobs import lifecycle
from jobs.holding import Hold
from jobs.models import Chore, Job
from jobs.states import Status
from tests.jobs.making import order_for
from videoapi import backends

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no standby"),
]


def become_read_only():
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")


def write():
    return Chore.objects.create(name="some")


def test_it_is_an_outage_and_the_next_connection_may_lead_to_the_new_primary():
    become_read_only()
    with pytest.raises(OperationalError):
        write()
    connection.close_if_unusable_or_obsolete()  # as Django does after each request
    write()


def test_so_it_is_in_a_transaction_and_in_one_within_another():
    for inner in (transaction.atomic(), transaction.atomic(savepoint=False)):
        become_read_only()
        with pytest.raises(OperationalError), transaction.atomic(), inner:
            write()
        assert not connection.in_atomic_block
        connection.close()
    assert not Chore.objects.exists()
    write()


def test_a_pool_does_not_keep_the_connection():
    pool = connections["default"].settings_dict
    patient = {**backends.POOL, "timeout": 30}  # the machine may be busy
    own = {**pool, "OPTIONS": {**pool["OPTIONS"], "pool": patient}, "CONN_MAX_AGE": 0}
    pooled = type(connections["default"])(own, alias="pooled")
    try:
        with pooled.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(OperationalError), pooled.cursor() as cursor:
            cursor.execute("DELETE FROM jobs_chore")
        pooled.close()
        for _ in range(3):
            with pooled.cursor() as cursor:
                cursor.execute("DELETE FROM jobs_chore")
            pooled.close()
    finally:
        pooled.close()
        pooled.close_pool()


def test_the_web_answers_503(alice):
    become_read_only()
    client = APIClient()
    client.force_authenticate(alice)
    body = {"prompt": "a sea", "model": "rehearsal", "resolution": "sd_480p"}
    answer = client.post("/videos/generate", body, format="json")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "unavailable")
    connection.close()
    assert not Job.objects.exists()
    assert client.post("/videos/generate", body, format="json").status_code == 202


def test_a_worker_keeps_its_job_through_it(alice):
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    become_read_only()
    Hold(job).insist(lambda: lifecycle.accept(job))
    assert Job.objects.get(id=job.id).status == Status.PROCESSING
