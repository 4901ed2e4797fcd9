"""Workers that are stopped or die in a real installation: their jobs go on elsewhere at once."""

import contextlib
import json
import os
import signal
import time
import uuid

import pytest

from tests.held import entry
from tests.jobs.test_crash import claims, kinds, status, submit, wait_for
from tests.live import Installation
from videoapi import local
from videoapi.processes import Program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LEASE = 300  # longer than anything here is waited for: nothing may be owed to a lease that ran out
GRACE = 300  # a render held by a test, or late at its start, finishes in it by its pace
ENDLESS = "[slow 3600] a sea"  # this one does not
END = """
from jobs import lifecycle
from jobs.models import Job
from jobs.providers.base import FailureCode
lifecycle.fail(Job.objects.get(id="{}"), code=FailureCode.INTERNAL_ERROR, detail="The test is over.")
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory, gate_of_held):
    far = {"title": "Far", "provider": "jobs.providers.rehearsal.Rehearsal", "seconds_of_work": 1}
    settings = {
        "DUST_OPENING_GRANT": "1000",
        "LOG_LEVEL": "INFO",
        "JOB_LEASE_SECONDS": str(LEASE),
        "SWEEP_SECONDS": "600",
        "WORKER_QUEUES": "render=1,remote=1",
        "VIDEO_MODELS": json.dumps({"far": {**far, "queue": "remote"}, "held": entry(gate_of_held)}),
    }
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(local, "WORKER_GRACE_SECONDS", GRACE)
        with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
            second = Program("worker2", (*local.manage(), "worker", f"--grace={GRACE}"), restart=True)
            installation.children.start(second)
            yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        wait_for(lambda: api.get("/videos/stats")["workers"] == 4)  # two supervisors, two queues
        yield api


@pytest.fixture
def endless(live, api):
    """A job at work that ends with the test: others need the worker."""
    job_id = submit(api, ENDLESS)
    try:
        at_work(api, job_id)
        yield job_id
    finally:
        live.manage("shell", "--no-imports", "-c", END.format(job_id))


def at_work(api, job_id):
    return wait_for(lambda: status(api, job_id)["progress"] > 0)


def finished(api, job_id):
    return wait_for(lambda: (found := status(api, job_id))["status"] in {"completed", "failed"} and found)


def is_stopping(live, worker):
    return live.sql(f"SELECT 1 FROM jobs_worker WHERE id = '{worker}' AND stopping_at IS NOT NULL")


def supervisor_of(worker):
    """Return the pid in a worker's name: host-pid-random-queue."""
    return int(worker.split("-")[-3])


def process_of(live, job_id):
    """Return the pid of the worker process that has a job at work: the name of its folder tells."""
    [folder] = (live.folder / "work").glob(f"job-*-{uuid.UUID(job_id).hex}-*")
    return int(folder.name.split("-")[-3])


def test_a_long_render_of_a_stopped_worker_is_given_back_and_taken_up_by_another_at_once(live, api, endless):
    [(worker, _)] = claims(live, endless)
    stopped_at = time.monotonic()
    os.kill(supervisor_of(worker), signal.SIGTERM)
    [_, (other, attempt)] = wait_for(lambda: len(found := claims(live, endless)) > 1 and found)
    seconds = time.monotonic() - stopped_at
    print(f"taken up {seconds:.2f} s after SIGTERM")
    assert seconds < 20  # a second here, more on a busy machine
    assert other != worker
    assert attempt == 1  # none was lost
    # What is left at the end of the grace is "handed on" instead.
    assert wait_for(lambda: any(f"job {endless}: given back" in line for line in live.lines))
    assert not any(f"job {endless}: handed on" in line for line in live.lines)
    assert kinds(api, endless) == ["hold", "post"]


def test_a_render_that_can_finish_in_time_does(live, api, held):
    job_id = submit(api, "[slow 3] a sea", "held")
    at_work(api, job_id)
    [(worker, _)] = claims(live, job_id)
    os.kill(supervisor_of(worker), signal.SIGTERM)
    wait_for(lambda: is_stopping(live, worker))
    held()  # and so it is at work for three seconds of the grace
    assert finished(api, job_id)["status"] == "completed"
    assert len(claims(live, job_id)) == 1


def test_a_dead_clusters_job_is_tried_again_without_waiting_for_its_lease(live, api, held):
    job_id = submit(api, "a sea", "held")
    at_work(api, job_id)
    os.kill(process_of(live, job_id), signal.SIGKILL)
    wait_for(lambda: [attempt for _, attempt in claims(live, job_id)] == [1, 2])
    held()
    assert finished(api, job_id)["status"] == "completed"
    assert len(claims(live, job_id)) == 2
    assert kinds(api, job_id) == ["hold", "post"]


def test_renders_that_wait_do_not_keep_a_remote_job_waiting(live, api, held):
    renders = [submit(api, f"a sea, the {number}th", "held") for number in range(3)]
    for job_id in renders[:2]:
        at_work(api, job_id)  # for longer than the remote job: no worker is left for the third
    remote = submit(api, "a sea", "far")
    made = finished(api, remote)
    assert made["status"] == "completed"
    held()
    for job_id in renders:
        assert finished(api, job_id)["status"] == "completed"
    assert status(api, renders[-1])["started_at"] > made["completed_at"]
