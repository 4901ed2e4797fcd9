"""Redis keeps the queue of a real installation and is killed, as are its workers: nothing is lost."""

import contextlib
import json
import os
import time

import pytest
import redis

from tests import held as held_jobs
from tests.faults import outages, servers
from tests.faults.outages import wait_for
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PULSE = 1  # what a dead worker held is free after six of them, and a sweep
QUEUE = "videoapi:queue:"
TIMELINE = """
from jobs.models import JobEvent
print(*JobEvent.objects.filter(job_id="{}").order_by("id").values_list("verb", flat=True))
"""


@pytest.fixture(scope="module")
def server():
    servers.require()
    with servers.scratch() as folder, servers.Redis(folder) as started:
        yield started


@pytest.fixture(scope="module")
def live(server, tmp_path_factory, gate_of_held):
    settings = {
        "QUEUE_BROKER": "redis",
        "REDIS_URL": server.url,
        "DUST_OPENING_GRANT": "1000",
        "JOB_LEASE_SECONDS": "60",
        "SWEEP_SECONDS": "2",
        "REQUEUE_AFTER_SECONDS": "3",
        "WORKER_PULSE_SECONDS": str(PULSE),
        "VIDEO_MODELS": json.dumps({"held": held_jobs.entry(gate_of_held)}),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        yield api


@pytest.fixture
def lists(server):
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


def submit(api, model="rehearsal"):
    order = {"prompt": "a sea", "model": model, "resolution": "sd_480p"}
    return api.submit("/videos/generate", key=os.urandom(8).hex(), json=order)["job_id"]


def status(api, job_id):
    return api.get(f"/videos/jobs/{job_id}/status")


def two_at_work_and_four_waiting(api):
    """Both workers are busy until the test lets them go on, and there is a queue behind them."""
    at_work = [submit(api, "held") for _ in range(2)]
    wait_for(lambda: all(status(api, job_id)["progress"] > 0 for job_id in at_work))
    waiting = [submit(api) for _ in range(4)]
    assert [status(api, job_id)["status"] for job_id in waiting] == ["queued"] * 4
    return at_work + waiting


def assert_each_completes_with_one_charge(live, api, job_ids):
    for job_id in job_ids:
        wait_for(lambda job_id=job_id: status(api, job_id)["status"] in {"completed", "failed"})
    found = {job_id: (status(api, job_id)["status"], status(api, job_id)["dust"]) for job_id in job_ids}
    assert set(found.values()) == {("completed", "charged")}
    rows = api.get("/dust/transactions?limit=100")["transactions"]
    for job_id in job_ids:
        assert sorted(row["kind"] for row in rows if row["job_id"] == job_id) == ["hold", "post"]
    assert "Every rule holds." in live.manage("reconcile_dust")


def about_jobs(lists):
    """Return the messages about jobs that Redis has in its lists."""
    keys = [key for key in lists.scan_iter(f"{QUEUE}*") if lists.type(key) == "list"]
    return [message for key in keys for message in lists.lrange(key, 0, -1) if not message.startswith("|")]


def test_a_redis_that_is_killed_with_jobs_waiting_and_running_loses_none(live, api, server, lists, held):
    job_ids = two_at_work_and_four_waiting(api)
    ended = sum("Ending the whole cluster" in line for line in live.lines)
    server.kill()
    time.sleep(3)
    server.start()
    assert lists.info("persistence")["rdb_last_load_keys_loaded"] == 0  # it came back with nothing
    held()
    assert_each_completes_with_one_charge(live, api, job_ids)
    assert sum("Ending the whole cluster" in line for line in live.lines) == ended
    wait_for(lambda: about_jobs(lists) == [])


def test_what_a_killed_cluster_held_is_served_again(live, api, lists, held):
    job_ids = two_at_work_and_four_waiting(api)
    [dead] = wait_for(lambda: [key for key in lists.scan_iter(f"{QUEUE}taken:*") if lists.llen(key) == 2])
    with outages.workers_killed(live):
        assert lists.llen(dead) == 2  # Redis still knows
    wait_for(lambda: not lists.exists(dead), seconds=300)  # its worker is first started again
    held()
    assert_each_completes_with_one_charge(live, api, job_ids)
    wait_for(lambda: about_jobs(lists) == [])


def test_a_job_starts_by_its_message_and_not_by_the_sweep(live, api):
    for _ in range(3):  # Redis may take longer to answer than a submit waits
        job_id = submit(api)
        assert_each_completes_with_one_charge(live, api, [job_id])
        if not any(f"the sweep will wake job {job_id}" in line for line in live.lines):
            break
    assert live.manage("shell", "--no-imports", "-c", TIMELINE.format(job_id)).split() == [
        *("submit", "claim", "accept", "complete")
    ]
