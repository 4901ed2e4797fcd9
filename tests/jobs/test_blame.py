"""What no job can have caused costs no job an attempt: trouble of the supervisor, or of another queue."""

import contextlib
import json
import os
import pathlib
import signal

import pytest

from tests.held import entry
from tests.jobs.test_crash import finished, gone, kinds, processes, renders, started, submit, wait_for
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def live(tmp_path_factory, gate_of_held):
    settings = {
        "DUST_OPENING_GRANT": "300",
        "JOB_LEASE_SECONDS": "300",  # longer than anything here is waited for
        "SWEEP_SECONDS": "2",
        "WORKER_QUEUES": "render=1,remote=1",
        "JOB_MAX_ATTEMPTS": "1",  # a job that is blamed has had its only one
        "VIDEO_MODELS": json.dumps({"held": entry(gate_of_held)}),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        yield api


def of_queue(live, queue):
    """Return the pids of a queue's cluster."""
    mark = f"Q_CLUSTER_NAME={queue}".encode()
    found = [pid for pid, _, command in processes(live) if "qcluster" in command]
    return [pid for pid in found if mark in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")]


def guards(live):
    """Return the pids of the supervisor's own guard."""
    [supervisor] = [pid for pid, _, command in processes(live) if "manage.py worker" in command]
    return [
        pid for pid, parent, command in processes(live) if "base.guard" in command and parent == supervisor
    ]


@pytest.mark.parametrize("victim", ["guard", "other cluster", "own cluster"])
def test_only_the_cluster_that_died_can_blame_its_jobs(live, api, held, victim):
    before = sum("Ending the whole cluster" in line for line in live.lines)
    job_id = submit(api, "a sea", "held")
    wait_for(started(api, job_id))
    [(render, _)] = renders(live)
    own, other = of_queue(live, "render"), wait_for(lambda: of_queue(live, "remote"))
    victims = {"guard": guards(live), "other cluster": other, "own cluster": own}[victim]
    os.kill(min(victims), signal.SIGKILL)  # the cluster's main process is its oldest
    wait_for(lambda: sum("Ending the whole cluster" in line for line in live.lines) > before)
    wait_for(gone(live, render))
    held()  # not before: that render must not end by itself
    found = wait_for(finished(api, job_id))
    if victim == "own cluster":
        assert (found["status"], found["dust"]) == ("failed", "refunded")
    else:
        assert (found["status"], found["dust"]) == ("completed", "charged")
        assert kinds(api, job_id) == ["hold", "post"]
