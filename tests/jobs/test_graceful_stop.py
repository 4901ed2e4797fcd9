"""Workers that are stopped or die in a real installation: their jobs go on elsewhere at once."""

import contextlib
import json
import os
import pathlib
import signal
import time

import pytest

from base import processes
from tests.live import Installation
from videoapi import local
from videoapi.processes import Program

pytestmark = pytest.mark.slow

PATIENCE = 60
LEASE = 300  # nothing here may be owed to a lease that ran out
TIMELINE = """
import json
from jobs.models import JobEvent
events = JobEvent.objects.filter(job_id="{}").order_by("id").values_list("verb", "attempt", "at", "message")
print(json.dumps([[verb, attempt, at.timestamp(), message] for verb, attempt, at, message in events]))
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    far = {"title": "Far", "provider": "jobs.providers.rehearsal.Rehearsal", "seconds_of_work": 1}
    settings = {
        "DUST_OPENING_GRANT": "1000",
        "JOB_LEASE_SECONDS": str(LEASE),
        "SWEEP_SECONDS": "600",
        "WORKER_QUEUES": "render=1,remote=1",
        "VIDEO_MODELS": json.dumps({"far": {**far, "queue": "remote"}}),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        second = Program("worker2", (*local.manage(), "worker", "--grace=30"), restart=True)
        installation.children.start(second)
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        wait_for(lambda: api.get("/videos/stats")["workers"] == 4)  # two supervisors, two queues
        yield api


def wait_for(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def submit(api, prompt, model="rehearsal"):
    order = {"prompt": prompt, "model": model, "resolution": "sd_480p"}
    return api.submit("/videos/generate", key=os.urandom(8).hex(), json=order)["job_id"]


def status(api, job_id):
    return api.get(f"/videos/jobs/{job_id}/status")


def at_work(api, job_id):
    return wait_for(lambda: status(api, job_id)["progress"] > 0)


def finished(api, job_id):
    return wait_for(lambda: (found := status(api, job_id))["status"] in {"completed", "failed"} and found)


def timeline(live, job_id):
    return json.loads(live.manage("shell", "--no-imports", "-c", TIMELINE.format(job_id)))


def claims(live, job_id):
    """Return (worker, attempt, when) of each claim."""
    return [
        (message.removeprefix("Worker "), attempt, at)
        for verb, attempt, at, message in timeline(live, job_id)
        if verb == "claim"
    ]


def supervisor_of(worker):
    """Return the pid in a worker's name: host-pid-random-queue."""
    return int(worker.split("-")[-3])


def renders_of(worker):
    """Return the pids of the renders at work for a cluster."""
    found = []
    for process in processes.marked(f"VIDEOAPI_WORKER={worker}"):
        with contextlib.suppress(OSError):
            if b"jobs.render_child" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes():
                found.append(process.pid)
    return found


def kinds(api, job_id):
    rows = api.get("/dust/transactions?limit=100")["transactions"]
    return sorted(row["kind"] for row in rows if row["job_id"] == job_id)


def test_a_long_render_of_a_stopped_worker_is_taken_up_by_another_within_two_seconds(live, api):
    job_id = submit(api, "[slow 45] a sea")
    at_work(api, job_id)
    [(worker, _, _)] = claims(live, job_id)
    stopped_at = time.time()
    os.kill(supervisor_of(worker), signal.SIGTERM)
    time.sleep(3)
    found = claims(live, job_id)
    assert len(found) == 2, timeline(live, job_id)
    assert found[1][0] != worker
    assert found[1][1] == 1  # no attempt was lost
    assert found[1][2] - stopped_at < 2
    assert kinds(api, job_id) == ["hold", "post"]


def test_a_render_that_can_finish_in_time_does(live, api):
    job_id = submit(api, "[slow 3] a sea")
    at_work(api, job_id)
    [(worker, _, _)] = claims(live, job_id)
    os.kill(supervisor_of(worker), signal.SIGTERM)
    assert finished(api, job_id)["status"] == "completed"
    assert len(claims(live, job_id)) == 1


def test_a_dead_clusters_job_is_tried_again_without_waiting_for_its_lease(live, api):
    job_id = submit(api, "[slow 20] a sea")  # still at work when a busy machine has found out by whom
    at_work(api, job_id)
    [(worker, _, _)] = claims(live, job_id)
    [render] = renders_of(worker)
    os.kill(processes.find(render).parent, signal.SIGKILL)
    killed_at = time.time()
    assert finished(api, job_id)["status"] == "completed"
    found = claims(live, job_id)
    assert [attempt for _, attempt, _ in found] == [1, 2]
    assert found[1][2] - killed_at < 20
    assert kinds(api, job_id) == ["hold", "post"]


def test_renders_that_wait_do_not_keep_a_remote_job_waiting(live, api):
    renders = [submit(api, f"[slow 6] the {number}th sea") for number in range(5)]
    remote = submit(api, "a sea", model="far")
    assert finished(api, remote)["status"] == "completed"
    assert any(status(api, job_id)["status"] == "queued" for job_id in renders)
    for job_id in renders:
        assert finished(api, job_id)["status"] == "completed"
