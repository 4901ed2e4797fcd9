"""What open streams may cost: their number, their life, threads and connections, and the end of a server."""

import contextlib
import json
import time

import pytest
from django.db import connection

from accounts import tokens
from jobs import lifecycle
from tests.jobs.live import hearing
from tests.jobs.live.hearing import END, until
from tests.jobs.making import order_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ALL = "/videos/jobs/events"
LIFE = 2.0
MOST = 50


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker, tmp_path_factory):
    """A web process whose streams ping often."""
    folder = tmp_path_factory.mktemp("web")
    with django_db_blocker.unblock(), hearing.web(folder, STREAM_PING_SECONDS="0.5") as served:
        yield served


def test_a_silent_stream_pings(web, token):
    with web.hear(token, ALL) as ear:
        until(lambda: ear.pings >= 3)


def test_the_life_of_a_stream_ends(token, tmp_path):
    with hearing.web(tmp_path, STREAM_SECONDS=str(LIFE)) as hurried:
        began = time.monotonic()
        with hurried.hear(token, ALL) as ear:
            assert ear.next() == END
            assert time.monotonic() - began > LIFE / 2
            assert ear.response.isclosed(), "it was cut off"


def test_a_user_has_so_many_streams_and_held_answers_and_no_more(web, token, bobs_token, alice):
    job = lifecycle.submit(order_for(alice))
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            assert stack.enter_context(web.hear(token, ALL)).status == 200
        for path in (ALL, f"/videos/jobs/{job.id}/events", f"/videos/jobs/{job.id}/status?wait=5"):
            status, headers, body, _ = web.get(token, path)
            assert (status, json.loads(body)["error_code"]) == (429, "rate_limited")
            assert json.loads(body)["limit"] == MOST
            assert int(headers["Retry-After"]) > 0
        assert web.get(token, f"/videos/jobs/{job.id}/status")[0] == 200
        assert stack.enter_context(web.hear(bobs_token, ALL)).status == 200

    def has_room():
        with web.hear(token, ALL) as ear:
            return ear.status == 200

    assert until(has_room)


def test_streams_cost_neither_threads_nor_connections(web, alice, bob, charlie):
    jobs = {user: lifecycle.submit(order_for(user)) for user in (alice, bob, charlie)}
    keys = {user: tokens.issue(user, name="many")[1] for user in jobs}
    with web.hear(keys[alice], ALL) as ear:
        ear.next()
        threads = web.threads()
    with contextlib.ExitStack() as stack:
        ears = [
            stack.enter_context(web.hear(keys[user], f"/videos/jobs/{jobs[user].id}/events"))
            for user in jobs
            for _ in range(40)
        ]
        for ear in ears:
            ear.next()
        until(lambda: web.threads() <= threads + 2)
        # the one that listens, and one for the length of a look
        until(lambda: connections() <= 1)
        for user in jobs:
            lifecycle.cancel(jobs[user])
        assert END not in {ear.until(status="cancelled") for ear in ears}  # moved up in the queue before
        assert {ear.next() for ear in ears} == {END}


def connections():
    """How many connections the web process has to the database, so far as that can be told."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


def test_a_server_that_is_stopped_ends_its_streams_and_answers_what_it_held(token, alice, tmp_path):
    job = lifecycle.submit(order_for(alice))
    with contextlib.ExitStack() as stack:
        web = stack.enter_context(hearing.web(tmp_path))
        held = hearing.Held(web, token, f"/videos/jobs/{job.id}/status?wait=60")
        ears = [stack.enter_context(web.hear(token, path)) for path in (ALL, f"/videos/jobs/{job.id}/events")]
        for ear in ears:
            ear.next()  # what was asked before is heard by now, too
        web.stop()
        assert [ear.next() for ear in ears] == [END, END]
        assert [ear.response.isclosed() for ear in ears] == [True, True], "they were cut off"
        status, _, body, _ = held.answer()
        assert (status, json.loads(body)["status"]) == (200, "queued")
    # all that it said is here now: no word of a grace that was over before its streams were
    assert "Cancel" not in "".join(web.lines)
    assert "ERROR" not in "".join(web.lines)
