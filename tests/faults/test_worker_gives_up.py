"""A PostgreSQL that hangs while its kernel still answers for it: a worker waits for it, but not for ever."""

import contextlib
import json
import time

import pytest

from tests.faults import outages, servers
from tests.faults.outages import Caller
from tests.held import entry
from tests.live import Installation

pytestmark = pytest.mark.slow

LIMIT = 1  # seconds
# Who asks the database: none of them would ever say this while it waits for an answer.
GIVEN_UP = {
    "pusher": "the database does not answer, will ask again",
    "heartbeat": "the database or the queue does not answer, will ask again",
    "sweeper": "the sweep was cut short",
    "runner": "the database does not answer, will try again",
}


@pytest.fixture(scope="module")
def postgresql():
    servers.require()
    with servers.scratch() as folder, servers.PostgreSQL(folder) as server:
        yield server


@pytest.fixture(scope="module")
def live(postgresql, tmp_path_factory, gate_of_held):
    settings = {
        "DATABASE_URL": postgresql.url,
        "WORKER_DATABASE_TIMEOUT_SECONDS": str(LIMIT),
        "DUST_OPENING_GRANT": "100",
        "JOB_LEASE_SECONDS": "300",  # longer than the database is away
        "SWEEP_SECONDS": "1",
        "WORKER_PULSE_SECONDS": "1",
        "VIDEO_MODELS": json.dumps({"rehearsal": entry(gate_of_held)}),
    }
    with Installation(tmp_path_factory.mktemp("hanging"), **settings) as installation:
        yield installation


def silent(lines):
    said = "".join(lines)
    return {who for who, words in GIVEN_UP.items() if words not in said}


def test_every_part_of_a_worker_gives_a_statement_up_and_its_job_is_done_afterwards(postgresql, live, held):
    with contextlib.closing(Caller(live.url, live.token("ada"))) as caller:
        job_id = caller.order("a sea")
        outages.started(caller, job_id)
        before = len(live.lines)  # with so short a limit a busy machine may have had some give up already
        postgresql.freeze()
        try:
            deadline = time.monotonic() + 120
            while silent(live.lines[before:]) and time.monotonic() < deadline:
                time.sleep(0.2)
        finally:
            postgresql.thaw()
        assert silent(live.lines[before:]) == set()
        held()
        assert outages.finished(caller, job_id)["status"] == "completed"
        assert caller.kinds(job_id) == ["hold", "post"]
