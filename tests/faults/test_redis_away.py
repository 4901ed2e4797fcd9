"""Redis keeps the queue of a real installation and is killed, as are its workers: nothing is lost."""

import contextlib
import os
import pathlib
import signal
import time

import pytest
import redis

from base import processes
from tests.faults import servers
from tests.live import Installation

pytestmark = pytest.mark.slow

SWEEP, REQUEUE_AFTER, PULSE = 2, 3, 1
SIGN_OF_LIFE = 6 * PULSE
PATIENCE = 90
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
def live(server, tmp_path_factory):
    settings = {
        "QUEUE_BROKER": "redis",
        "REDIS_URL": server.url,
        "DUST_OPENING_GRANT": "1000",
        "JOB_LEASE_SECONDS": "8",
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": str(SWEEP),
        "REQUEUE_AFTER_SECONDS": str(REQUEUE_AFTER),
        "WORKER_PULSE_SECONDS": str(PULSE),
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


def wait_for(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def submit(api, prompt):
    order = {"prompt": prompt, "model": "rehearsal", "resolution": "sd_480p"}
    return api.submit("/videos/generate", key=os.urandom(8).hex(), json=order)["job_id"]


def status(api, job_id):
    return api.get(f"/videos/jobs/{job_id}/status")


def two_at_work_and_four_waiting(api):
    """Both workers are busy for longer than is needed here, and there is a queue behind them."""
    at_work = [submit(api, "[slow 15] a sea") for _ in range(2)]
    wait_for(lambda: all(status(api, job_id)["progress"] > 0 for job_id in at_work))
    waiting = [submit(api, "a sea") for _ in range(4)]
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


def kill_all_of_the_worker(live):
    """Kill -9 the supervisor and every process of its cluster at once."""
    for process in processes.marked(live.children.mark):
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            if b"qcluster" in words or b"worker" in words.split(b"\0"):
                os.kill(process.pid, signal.SIGKILL)


def test_a_redis_that_is_killed_with_jobs_waiting_and_running_loses_none(live, api, server, lists):
    job_ids = two_at_work_and_four_waiting(api)
    ended = sum("Ending the whole cluster" in line for line in live.lines)
    server.kill()
    time.sleep(3)
    server.start()
    assert lists.info("persistence")["rdb_last_load_keys_loaded"] == 0  # it came back with nothing
    assert_each_completes_with_one_charge(live, api, job_ids)
    assert sum("Ending the whole cluster" in line for line in live.lines) == ended
    wait_for(lambda: about_jobs(lists) == [])


def test_what_a_killed_cluster_held_is_served_again(live, api, lists):
    job_ids = two_at_work_and_four_waiting(api)
    [dead] = wait_for(lambda: [key for key in lists.scan_iter(f"{QUEUE}taken:*") if lists.llen(key) == 2])
    kill_all_of_the_worker(live)
    assert lists.llen(dead) == 2  # Redis still knows
    wait_for(lambda: not lists.exists(dead), SIGN_OF_LIFE + SWEEP + 30)
    assert_each_completes_with_one_charge(live, api, job_ids)
    wait_for(lambda: about_jobs(lists) == [])


def test_a_job_starts_by_its_message_and_not_by_the_sweep(live, api):
    job_id = submit(api, "a sea")
    assert_each_completes_with_one_charge(live, api, [job_id])
    assert live.manage("shell", "--no-imports", "-c", TIMELINE.format(job_id)).split() == [
        *("submit", "claim", "accept", "complete")
    ]
