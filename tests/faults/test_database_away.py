"""PostgreSQL stopped, killed and frozen under a running installation."""

import contextlib
import json
import os
import time

import psycopg
import pytest

from tests import held as held_jobs
from tests.faults import outages, servers
from tests.faults.outages import COST, Caller, Stream
from tests.jobs.live.hearing import END, Ear
from tests.jobs.test_crash import renders
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GRANT = 5000
LEASE = 60  # within it the slowest machine starts a render
STATEMENT_SECONDS = 2
REHEARSAL = "jobs.providers.rehearsal.Rehearsal"
# Queues with a worker each, which differ in how long their jobs are leased.
BRIEF, PATIENT = "brief", "patient"
BRIEF_LEASE, PATIENT_LEASE = 20, 300


@pytest.fixture(scope="module")
def postgresql():
    servers.require()
    with servers.scratch() as folder, servers.PostgreSQL(folder) as server:
        yield server


@pytest.fixture(scope="module")
def live(postgresql, tmp_path_factory, gate_of_held):
    entry = held_jobs.entry(gate_of_held)
    settings = {
        "DATABASE_URL": postgresql.url,
        "DATABASE_TIMEOUT_SECONDS": str(STATEMENT_SECONDS),
        "DUST_OPENING_GRANT": str(GRANT),
        "MAX_ACTIVE_JOBS": "1000",
        "RATE_SUBMIT": "100000/min",
        "RATE_READ": "100000/min",
        "JOB_LEASE_SECONDS": str(LEASE),
        "JOB_MAX_ATTEMPTS": "5",  # the brief lease may be too short for a slow start as well
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": "2",
        "REQUEUE_AFTER_SECONDS": "5",
        "VIDEO_MODELS": json.dumps(
            {
                "held": entry,
                PATIENT: {**entry, "queue": PATIENT},
                BRIEF: {"title": "Brief", "provider": REHEARSAL, "seconds_of_work": 0.4, "queue": BRIEF},
            }
        ),
    }
    with Installation(tmp_path_factory.mktemp("away"), **settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def pooled(live):
    """The address of a second web process, which keeps its connections in a pool."""
    return outages.another_web(live, "pooled", DATABASE_POOL="true")


@pytest.fixture(scope="module")
def listening(live):
    """The address of a third one, whose streams say often that they live."""
    return outages.another_web(live, "listening", DATABASE_POOL="true", STREAM_PING_SECONDS="0.3")


@pytest.fixture(scope="module")
def brief(live):
    """A model whose jobs have a lease that an outage outlasts."""
    outages.another_worker(live, BRIEF, JOB_LEASE_SECONDS=str(BRIEF_LEASE))
    return BRIEF


@pytest.fixture(scope="module")
def patient(live):
    """A model whose jobs wait for the test, and have a lease that outlasts any outage."""
    outages.another_worker(live, PATIENT, JOB_LEASE_SECONDS=str(PATIENT_LEASE))
    return PATIENT


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
    assert caller.ask("/healthz").status == 200
    ready = caller.ask("/readyz")
    assert (ready.status, ready.body["checks"]["database"]) == (503, False)
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
    streams = [*polls, submits]
    outages.wait_for(lambda: all(stream.answers for stream in streams))
    postgresql.freeze()
    heard = [len(stream.answers) for stream in streams]

    def all_were_refused():  # the first time it may be a call that had begun before
        since = [stream.answers[before:] for stream, before in zip(streams, heard, strict=True)]
        return all(sum(answer.is_outage for answer in answers) > 1 for answers in since)

    assert caller.ask("/healthz").status == 200
    ready = caller.ask("/readyz")
    assert (ready.status, ready.body["checks"]["database"]) == (503, False)
    outages.wait_for(all_were_refused)  # while it hangs: none of these calls was ended by its coming back
    assert caller.ask("/healthz").status == 200
    postgresql.thaw()
    assert outages.recovered(lambda: caller.status(job_id)).body["status"] == "completed"
    submitted = submits.stop()
    answers = submitted + [answer for poll in polls for answer in poll.stop()]
    assert all(answer.status in (200, 202) or answer.is_outage for answer in answers)
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
        assert refused.is_outage  # while the other one still holds what it waited for
        assert refused.seconds >= STATEMENT_SECONDS
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
def test_streams_outlive_an_outage_and_go_on(outage, postgresql, listening, token, caller, held):
    ways = {"stopped": (postgresql.stop, postgresql.start), "frozen": (postgresql.freeze, postgresql.thaw)}
    end, begin_anew = ways[outage]
    with contextlib.closing(Caller(listening, token)) as first:  # who waits for a new process's connections
        outages.recovered(lambda: first.ask("/dust/balance"))
    job_id = caller.order("a sea", model="held")
    paths = ("/videos/jobs/events", f"/videos/jobs/{job_id}/events")
    with contextlib.ExitStack() as stack:
        ears = [stack.enter_context(contextlib.closing(Ear(listening, token, path))) for path in paths]
        for ear in ears:
            assert ear.until(status="processing", job_id=job_id) != END
        end()
        pings = [ear.pings for ear in ears]
        outages.wait_for(lambda: all(ear.pings > before + 8 for ear, before in zip(ears, pings, strict=True)))
        begin_anew()
        held()
        assert [ear.until(status="completed").job["job_id"] for ear in ears] == [job_id] * 2
        assert ears[1].next() == END


@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_a_render_that_finished_during_the_outage_is_delivered(postgresql, live, caller, patient, held):
    job_id = caller.order("a sea", model=patient)
    outages.started(caller, job_id)
    [_] = renders(live)
    tried = f"job {job_id}: the database does not answer, will try again"
    postgresql.stop()
    held()
    outages.wait_for(lambda: not renders(live))
    before = len(live.lines)
    outages.wait_for(lambda: sum(tried in line for line in live.lines[before:]) > 1)  # to deliver it
    postgresql.start()
    assert outages.finished(caller, job_id)["status"] == "completed"
    [(status, attempt, verbs)] = attempts(postgresql, job_id)
    assert (status, attempt) == ("completed", 1)
    # Where it is long on its way to its worker, its message is taken for a lost one and sent once more.
    assert [verb for verb in verbs if verb != "requeue"] == ["submit", "claim", "accept", "complete"]
    assert caller.kinds(job_id) == ["hold", "post"]


@pytest.mark.parametrize("caller", ["plain"], indirect=True)
def test_after_an_outage_longer_than_the_lease_each_job_still_ends_once(
    postgresql, caller, before, live, brief
):
    job_id = caller.order("[slow 3] a sea", model=brief)
    outages.started(caller, job_id)
    postgresql.kill()
    time.sleep(BRIEF_LEASE + 2)
    postgresql.start()
    later = caller.order("a lake", model=brief)
    for each in (job_id, later):
        assert outages.finished(caller, each)["status"] == "completed"
        assert caller.kinds(each) == ["hold", "post"]
    assert caller.balance() == (before - 2 * COST, 0)
    [(_, _, verbs)] = attempts(postgresql, job_id)
    assert verbs.count("complete") == 1
    assert "Every rule holds." in live.manage("reconcile_dust")
