"""Workers killed with -9 in the middle of a render, in a real installation: nothing is lost or paid twice."""

import contextlib
import os
import pathlib
import signal
import time

import pytest

from tests.live import Installation

pytestmark = pytest.mark.slow

LEASE = 10  # within it a busy machine starts a render
SWEEP = 2
LIMIT = 20
RENDER = 60


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    settings = {
        "DUST_OPENING_GRANT": "300",
        "JOB_LEASE_SECONDS": str(LEASE),
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": str(SWEEP),
        "JOB_TIMEOUT_SECONDS": str(LIMIT),
        "REQUEUE_AFTER_SECONDS": "5",
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        yield api


def processes(live):
    """Return (pid, parent, command) of every process of this installation."""
    mark = live.children.mark.encode()
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes().split(b"\0"):
                parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append((int(path.name), parent, command))
        except OSError:
            continue  # it has just ended
    return found


def renders(live):
    """Return (pid, pid of its worker process) of every render at work."""
    return [(pid, parent) for pid, parent, command in processes(live) if "jobs.render_child" in command]


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def submit(api, prompt):
    return api.submit(
        "/videos/generate",
        key=os.urandom(8).hex(),
        json={"prompt": prompt, "model": "rehearsal", "resolution": "sd_480p"},
    )["job_id"]


def status(api, job_id):
    return api.get(f"/videos/jobs/{job_id}/status")


def started(api, job_id):
    return lambda: status(api, job_id)["progress"] > 0


def finished(api, job_id):
    def check():
        found = status(api, job_id)
        return found if found["status"] in {"completed", "failed", "cancelled"} else None

    return check


def kinds(api, job_id):
    rows = api.get("/dust/transactions?limit=100")["transactions"]
    return sorted(row["kind"] for row in rows if row["job_id"] == job_id)


@pytest.mark.parametrize("victim", ["worker process", "whole cluster"])
def test_a_job_whose_worker_is_killed_ends_by_itself_with_one_charge(live, api, victim):
    job_id = submit(api, "[slow 5] a sea")
    wait_for(started(api, job_id), RENDER)
    [(render, worker)] = renders(live)
    if victim == "worker process":
        os.kill(worker, signal.SIGKILL)
    else:
        for pid, _, command in processes(live):
            if "qcluster" in command or "manage.py worker" in command:
                os.kill(pid, signal.SIGKILL)
    wait_for(lambda: render not in [pid for pid, _ in renders(live)], 10)
    found = wait_for(finished(api, job_id), LEASE + SWEEP + RENDER)
    assert (found["status"], found["dust"]) == ("completed", "charged")
    assert kinds(api, job_id) == ["hold", "post"]
    balance = api.get("/dust/balance")
    assert (balance["balance"], balance["held"]) == (290, 0)
    assert "Every rule holds." in live.manage("reconcile_dust")


def test_a_killed_workers_job_does_not_wait_for_the_queue_behind_it(live, api):
    job_id = submit(api, "[slow 4] a sea")
    wait_for(started(api, job_id), RENDER)
    backlog = [submit(api, f"[slow 4] the {number}th") for number in range(8)]
    [(_, worker)] = [pair for pair in renders(live) if pair][:1]
    os.kill(worker, signal.SIGKILL)
    reaped = lambda: "another try" in status(api, job_id)["generation_info"]["current_step"]  # noqa: E731
    wait_for(lambda: reaped() or finished(api, job_id)(), 2 * LEASE + SWEEP + 15)
    assert any(status(api, other)["status"] == "queued" for other in backlog)
    for waiting in (job_id, *backlog):
        assert wait_for(finished(api, waiting), 2 * RENDER)["status"] == "completed"


def test_a_render_past_its_limit_is_a_timeout_and_ends_nobody_else(live, api):
    before = sum("Ending the whole cluster" in line for line in live.lines)
    endless, neighbour = submit(api, "[slow 300] a sea"), submit(api, "[slow 10] another")
    assert wait_for(finished(api, neighbour), RENDER)["status"] == "completed"
    found = wait_for(finished(api, endless), LIMIT + RENDER)
    assert (found["status"], found["error_code"]) == ("failed", "provider_timeout")
    assert kinds(api, endless) == ["hold", "post", "reverse"]
    assert sum("Ending the whole cluster" in line for line in live.lines) == before


def test_a_render_that_is_killed_is_tried_again_by_the_same_worker(live, api):
    job_id = submit(api, "[slow 6] a sea")
    wait_for(started(api, job_id), RENDER)
    [(render, worker)] = renders(live)
    os.kill(render, signal.SIGKILL)
    found = wait_for(finished(api, job_id), RENDER)
    assert found["status"] == "completed"
    assert worker in [pid for pid, _, _ in processes(live)]
    assert kinds(api, job_id) == ["hold", "post"]


def test_a_job_that_kills_its_render_each_time_fails_and_its_neighbours_do_not(live, api):
    poison = submit(api, "[crash] a sea")
    neighbours = [submit(api, f"a sea, the {number}th") for number in range(4)]
    assert wait_for(finished(api, poison), 2 * RENDER)["dust"] == "refunded"
    for job_id in neighbours:
        assert wait_for(finished(api, job_id), 2 * RENDER)["status"] == "completed"
    assert kinds(api, poison) == ["hold", "post", "reverse"]
