"""PostgreSQL stopped, killed and frozen under a running installation."""

import contextlib
import os
import time

import psycopg
import pytest

from tests.faults import outages, servers
from tests.faults.outages import COST, Caller, Stream
from tests.jobs.live.hearing import END, Ear
from tests.live import Installation

pytestmark = pytest.mark.slow

GRANT = 5000
LEASE = 8
STATEMENT_SECONDS = 2
BOUND = 12  # seconds that any call may take, whatever the database does


@pytest.fixture(scope="module")
def postgresql():
    servers.require()
    with servers.scratch() as folder, servers.PostgreSQL(folder) as server:
        yield server


@pytest.fixture(scope="module")
def live(postgresql, tmp_path_factory):
    settings = {
        "DATABASE_URL": postgresql.url,
        "DATABASE_TIMEOUT_SECONDS": str(STATEMENT_SECONDS),
        "DUST_OPENING_GRANT": str(GRANT),
        "MAX_ACTIVE_JOBS": "1000",
        "RATE_SUBMIT": "100000/min",
        "RATE_READ": "100000/min",
        "JOB_LEASE_SECONDS": str(LEASE),
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": "2",
        "REQUEUE_AFTER_SECONDS": "5",
    }
    with Installation(tmp_path_factory.mktemp("away"), **settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def pooled(live):
    """The address of a second web process, which keeps its connections in a pool."""
    return outages.another_web(live, "pooled", DATABASE_POOL="true")


@pytest.fixture(scope="module")
def token(live):
    return live.token("ada")


@pytest.fixture(params=["plain", "pooled"])
def caller(request, live, token):
    address = live.url if request.param == "plain" else request.getfixturevalue("pooled")
    with contextlib.closing(Caller(address, token)) as caller:
        yield caller


@pytest.fixture
def before(caller):
    """What the user has before the test; nothing is held."""
    return outages.wait_for(lambda: (balance := caller.balance())[1] == 0 and balance[0])


@pytest.fixture(autouse=True)
def running(postgresql):
    """The server is there again after each test, whatever that did."""
    yield
    if postgresql.process is None:
        postgresql.start()
    postgresql.thaw()


def jobs_of(postgresql, keys):
    found = outages.rows(
        postgresql.url,
        "SELECT key, receipt::jsonb->>'job_id' FROM jobs_idempotencykey WHERE key = ANY(%s)",
        keys,
    )
    return dict(found)


def cancel(caller, job_id):
    """Cancel a job; return whether it was still queued."""
    answer = outages.recovered(lambda: caller.ask(f"/videos/jobs/{job_id}", "DELETE"))
    assert answer.status == 200 or (answer.status, answer.body["error_code"]) == (409, "job_not_cancellable")
    return answer.status == 200


def test_a_submit_while_it_is_stopped_changes_nothing_and_its_key_then_makes_one_job(
    postgresql, caller, before
):
    key = os.urandom(8).hex()
    library = outages.recovered(lambda: caller.ask("/videos")).body
    postgresql.stop()
    refused = [caller.submit("a sea", key), caller.ask("/dust/balance")]
    assert [answer.is_outage for answer in refused] == [True] * 2
    assert max(answer.seconds for answer in refused) < BOUND
    assert caller.ask("/healthz").status == 200
    ready = caller.ask("/readyz")
    assert (ready.status, ready.body["checks"]["database"]) == (503, False)
    assert ready.seconds < BOUND
    postgresql.start()
    assert outages.recovered(lambda: caller.ask("/videos")).body == library
    assert caller.balance() == (before, 0)
    assert jobs_of(postgresql, [key]) == {}
    made, again = (outages.recovered(lambda: caller.submit("a sea", key)) for _ in range(2))
    assert (made.status, again.status) == (202, 202)
    assert jobs_of(postgresql, [key]) == {key: made.body["job_id"]} == {key: again.body["job_id"]}
    assert outages.finished(caller, made.body["job_id"])["dust"] == "charged"
    assert caller.balance() == (before - COST, 0)


def test_what_was_answered_202_is_there_after_the_server_was_killed(postgresql, caller, before):
    told, prompt = {}, f"[fail] {os.urandom(8).hex()}"

    def submit():
        key = os.urandom(8).hex()
        answer = caller.submit(prompt, key)
        while answer.status in (0, 503):
            assert answer.is_outage
            time.sleep(0.2)
            answer = caller.submit(prompt, key)
        told[key] = answer.body["job_id"]
        return answer

    streams = [Stream(submit) for _ in range(3)]
    for _ in range(3):
        seen = len(told)
        outages.wait_for(lambda seen=seen: len(told) > seen + 2)
        postgresql.kill()
        postgresql.start()
    answers = [answer for stream in streams for answer in stream.stop()]
    assert {answer.status for answer in answers} == {202}
    assert len(told) == len(answers) >= 9
    assert jobs_of(postgresql, list(told)) == told
    made = "SELECT count(*) FROM jobs_job WHERE prompt = %s"
    assert outages.rows(postgresql.url, made, prompt) == [(len(told),)]
    cancels = {job_id: cancel(caller, job_id) for job_id in told.values()}
    for job_id, was_cancelled in cancels.items():  # what a worker has begun goes on, and fails
        assert outages.finished(caller, job_id)["status"] == ("cancelled" if was_cancelled else "failed")
    assert caller.balance() == (before, 0)


def test_while_it_hangs_every_call_ends_and_afterwards_all_is_as_before(postgresql, caller, before):
    job_id = caller.order("a sea")
    outages.finished(caller, job_id)
    before -= COST
    polls = [Stream(lambda: caller.status(job_id)) for _ in range(12)]
    submits = Stream(lambda: caller.submit("[fail] a sea"))
    time.sleep(0.5)
    postgresql.freeze()
    frozen = time.monotonic()
    assert caller.ask("/healthz").status == 200
    ready = caller.ask("/readyz")
    assert (ready.status, ready.body["checks"]["database"]) == (503, False)
    assert ready.seconds < BOUND
    time.sleep(max(0.0, 6 - (time.monotonic() - frozen)))
    alive = caller.ask("/healthz")
    assert (alive.status, alive.seconds < 3) == (200, True)
    postgresql.thaw()
    assert outages.recovered(lambda: caller.status(job_id)).body["status"] == "completed"
    submitted = submits.stop()
    answers = submitted + [answer for poll in polls for answer in poll.stop()]
    assert max(answer.seconds for answer in answers) < BOUND
    assert all(answer.status in (200, 202) or answer.is_outage for answer in answers)
    assert any(answer.is_outage for answer in answers)
    for answer in submitted:
        if answer.status == 202:
            outages.finished(caller, answer.body["job_id"])
    outages.wait_for(lambda: caller.balance() == (before, 0))


@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_a_statement_that_waits_too_long_is_given_up_by_the_server_as_well(postgresql, caller, before):
    key = os.urandom(8).hex()
    with psycopg.connect(postgresql.url) as other:
        other.execute("SELECT id FROM dust_account FOR UPDATE")
        refused = caller.submit("a sea", key)
        assert refused.is_outage
        assert STATEMENT_SECONDS <= refused.seconds < BOUND
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert outages.rows(postgresql.url, waiting) == [(0,)]
    assert jobs_of(postgresql, [key]) == {}
    assert caller.balance() == (before, 0)
    job_id = outages.recovered(lambda: caller.submit("a sea", key)).body["job_id"]
    assert outages.finished(caller, job_id)["status"] == "completed"


def attempts(postgresql, job_id):
    return outages.rows(
        postgresql.url,
        "SELECT job.status, job.attempt, array_agg(event.verb ORDER BY event.id) FROM jobs_job job"
        " JOIN jobs_jobevent event ON event.job_id = job.id WHERE job.id = %s GROUP BY job.id",
        job_id,
    )


@pytest.mark.parametrize("outage", ["stopped", "frozen"])
@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_streams_outlive_an_outage_and_go_on(outage, postgresql, live, token, caller):
    ways = {"stopped": (postgresql.stop, postgresql.start), "frozen": (postgresql.freeze, postgresql.thaw)}
    end, begin_anew = ways[outage]
    listening = outages.another_web(live, "listening", DATABASE_POOL="true", STREAM_PING_SECONDS="0.3")
    with contextlib.closing(Caller(listening, token)) as first:  # who waits for a new process's connections
        outages.recovered(lambda: first.ask("/dust/balance"))
    job_id = caller.order("[slow 6] a sea")
    paths = ("/videos/jobs/events", f"/videos/jobs/{job_id}/events")
    with contextlib.ExitStack() as stack:
        ears = [stack.enter_context(contextlib.closing(Ear(listening, token, path))) for path in paths]
        for ear in ears:
            assert ear.until(status="processing", job_id=job_id) != END
        end()
        pings = [ear.pings for ear in ears]
        outages.wait_for(lambda: all(ear.pings > before + 8 for ear, before in zip(ears, pings, strict=True)))
        begin_anew()
        assert [ear.until(status="completed").job["job_id"] for ear in ears] == [job_id] * 2
        assert ears[1].next() == END


@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_a_render_that_finished_during_the_outage_is_delivered(postgresql, caller):
    for _ in range(4):  # a busy machine may take longer than the lease, and then it shows nothing
        job_id = caller.order("[slow 2] a sea")
        outages.started(caller, job_id)
        began = time.monotonic()
        postgresql.stop()
        time.sleep(3)  # the render is done by then
        postgresql.start()
        assert outages.finished(caller, job_id)["status"] == "completed"
        if time.monotonic() - began < LEASE - 2:  # last renewed a moment before
            break
    verbs = ["submit", "claim", "accept", "complete"]
    assert attempts(postgresql, job_id) == [("completed", 1, verbs)]
    assert caller.kinds(job_id) == ["hold", "post"]


@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_after_an_outage_longer_than_the_lease_each_job_still_ends_once(postgresql, caller, before, live):
    job_id = caller.order("[slow 3] a sea")
    outages.started(caller, job_id)
    postgresql.kill()
    time.sleep(LEASE + 2)
    postgresql.start()
    later = caller.order("a lake")
    for each in (job_id, later):
        assert outages.finished(caller, each)["status"] == "completed"
        assert caller.kinds(each) == ["hold", "post"]
    assert caller.balance() == (before - 2 * COST, 0)
    [(_, _, verbs)] = attempts(postgresql, job_id)
    assert verbs.count("complete") == 1
    assert "Every rule holds." in live.manage("reconcile_dust")
