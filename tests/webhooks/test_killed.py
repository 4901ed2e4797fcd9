"""Workers killed with -9 in the middle of a delivery, in a real installation: told all the same, in order."""

import contextlib
import os
import threading

import pytest

from tests.faults import outages
from tests.jobs.test_crash import finished, submit, wait_for
from tests.live import Installation
from tests.webhooks.receiving import Listener

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE = 200  # seconds, for a machine that takes its time to start a worker and a render


@pytest.fixture(scope="module")
def server():
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def live(server, tmp_path_factory):
    settings = {
        "DUST_OPENING_GRANT": "300",
        "JOB_LEASE_SECONDS": "60",
        "SWEEP_SECONDS": "5",
        "OUTBOUND_ALLOWED_HOSTS": server.host,
        "WEBHOOK_TIMEOUT_SECONDS": "60",  # no try ends before its sender does
        "WORKER_PULSE_SECONDS": "1",  # what a dead worker took and did not begin is free after six
        "WEBHOOK_RETRY_SECONDS": "1,1,1,1,1,1,1,1,1",
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        yield api


def ended(server, job_id):
    return lambda: "job.completed" in server.types(job_id)


@pytest.mark.parametrize("moment", ["job.queued", "job.completed"])
def test_it_is_told_again_and_the_next_lines_after_it(live, api, server, moment):
    answered, held = threading.Event(), threading.Event()

    def answer(heard):
        if heard.type == moment and not held.is_set():
            held.set()
            answered.wait(PATIENCE)  # until its sender is dead
        return 200

    server.answer = answer
    secret = api.submit("/webhooks", key="once", json={"url": server.url()})["secret"]
    job_id = submit(api, "a sea")
    assert held.wait(PATIENCE)
    with outages.workers_killed(live):
        assert server.types(job_id).count(moment) == 1
    answered.set()
    wait_for(finished(api, job_id), PATIENCE)
    wait_for(lambda: server.types(job_id).count(moment) > 1, PATIENCE)
    wait_for(ended(server, job_id), PATIENCE)
    told = [heard for heard in server.heard if heard.job == job_id]
    assert list(dict.fromkeys(heard.type for heard in told)) == ["job.queued", "job.started", "job.completed"]
    order = [heard.type for heard in told]
    assert order == sorted(order, key=["job.queued", "job.started", "job.completed"].index)
    assert len({heard.id for heard in told}) == 3
    assert all(heard.verify(secret) for heard in told)
