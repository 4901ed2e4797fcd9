"""Redis, where rates are counted and estimates kept, killed, frozen and restarted under an installation."""

import contextlib
import os

import pytest

from tests.faults import outages, servers
from tests.faults.outages import COST, Caller
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GRANT = 500


@pytest.fixture(scope="module")
def postgresql():
    servers.require()
    with servers.scratch() as folder, servers.PostgreSQL(folder) as server:
        yield server


@pytest.fixture(scope="module")
def redis():
    servers.require()
    with servers.scratch() as folder, servers.Redis(folder) as server:
        yield server


@pytest.fixture(scope="module")
def live(postgresql, redis, tmp_path_factory):
    settings = {
        "DATABASE_URL": postgresql.url,
        "REDIS_URL": redis.url,
        "DUST_OPENING_GRANT": str(GRANT),
        "RATE_SUBMIT": "100000/min",
        "RATE_READ": "100000/min",
        "JOB_LEASE_SECONDS": "60",  # within it the slowest machine starts a render
        "SWEEP_SECONDS": "2",
    }
    with Installation(tmp_path_factory.mktemp("away"), **settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def token(live):
    return live.token("ada")


@pytest.fixture
def caller(live, token):
    with contextlib.closing(Caller(live.url, token)) as caller:
        yield caller


@pytest.fixture(autouse=True)
def running(redis):
    """The server is there again after each test, whatever that did."""
    yield
    if redis.process is None:
        redis.start()
    redis.thaw()


def written(postgresql):
    """How many rows there are of what a submit writes."""
    tables = ("jobs_job", "jobs_idempotencykey", "dust_transfer")
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return outages.rows(postgresql.url, f"SELECT {counts}")


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_it_nothing_changes_and_everything_comes_back_by_itself(redis, postgresql, caller, how):
    balance, key, before = caller.balance(), os.urandom(8).hex(), written(postgresql)
    away, back = (redis.kill, redis.start) if how == "killed" else (redis.freeze, redis.thaw)
    away()
    refused = [caller.submit("a sea", key), caller.ask("/dust/balance"), caller.ask("/videos")]
    assert [answer.is_outage for answer in refused] == [True] * 3  # while it is still away
    assert written(postgresql) == before
    assert caller.ask("/healthz").status == 200
    ready = caller.ask("/readyz")
    assert (ready.status, ready.body["checks"]["cache"], ready.body["checks"]["database"]) == (
        503,
        False,
        True,
    )
    back()
    job_id = outages.recovered(lambda: caller.submit("a sea", key)).body["job_id"]
    assert caller.submit("a sea", key).body["job_id"] == job_id
    assert outages.finished(caller, job_id)["status"] == "completed"
    assert caller.balance() == (balance[0] - COST, 0)


def test_workers_go_on_without_it(redis, postgresql, caller):
    job_id = caller.submit("[slow 3] a sea").body["job_id"]
    waiting = caller.submit("a lake").body["job_id"]
    outages.started(caller, job_id)
    redis.kill()
    ended = (
        "SELECT count(*) FROM jobs_job WHERE id = ANY(%s::uuid[]) AND status = 'completed' AND attempt = 1"
    )
    outages.wait_for(lambda: outages.rows(postgresql.url, ended, [job_id, waiting]) == [(2,)])
    redis.start()
    assert outages.recovered(lambda: caller.status(job_id)).body["status"] == "completed"


def test_a_restart_of_it_is_not_noticed_by_who_asks_afterwards(redis, caller):
    polls = [outages.Stream(lambda: caller.ask("/dust/balance")) for _ in range(4)]
    outages.wait_for(lambda: all(poll.answers for poll in polls))
    assert {answer.status for poll in polls for answer in poll.stop()} == {200}
    redis.restart()
    assert [caller.ask("/dust/balance").status for _ in range(8)] == [200] * 8
