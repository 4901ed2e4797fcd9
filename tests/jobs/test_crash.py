"""Workers killed with -9 in the middle of a render, in a real installation: nothing is lost or paid twice."""

import contextlib
import json
import os
import pathlib
import signal
import time
import uuid

import pytest

from tests.held import entry
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE = 150  # seconds, in which a busy machine starts a worker and a render
LEASE = 60  # in which it starts a render; where one has to run out, `lapse` sees to that
LIMIT = 5


@pytest.fixture(scope="module")
def live(tmp_path_factory, gate_of_held):
    rehearsal = {"provider": "jobs.providers.rehearsal.Rehearsal", "seconds_of_work": 0.4}
    models = {
        "held": entry(gate_of_held),
        "limited": {**rehearsal, "title": "Limited", "timeout_seconds": LIMIT},
    }
    settings = {
        "DUST_OPENING_GRANT": "300",
        "JOB_LEASE_SECONDS": str(LEASE),
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": "2",
        "JOB_RETRY_SECONDS": "0.5",
        "REQUEUE_AFTER_SECONDS": "5",
        "VIDEO_MODELS": json.dumps(models),
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


def gone(live, *pids):
    return lambda: not set(pids) & {pid for pid, _, _ in processes(live)}


def claims(live, job_id):
    """Return (worker, attempt) of each claim."""
    asked = f"verb = 'claim' AND job_id = '{uuid.UUID(job_id).hex}'"
    found = live.sql(f"SELECT message, attempt FROM jobs_jobevent WHERE {asked} ORDER BY id")
    return [(message.removeprefix("Worker "), attempt) for message, attempt in found]


def lapse(live):
    """Have the leases of all jobs at work run out now. Whoever could renew them must be gone."""
    live.sql("UPDATE jobs_job SET lease_expires_at = created_at WHERE worker <> ''")


def wait_for(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def submit(api, prompt, model="rehearsal"):
    asked = {"prompt": prompt, "model": model, "resolution": "sd_480p"}
    return api.submit("/videos/generate", key=os.urandom(8).hex(), json=asked)["job_id"]


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
def test_a_job_whose_worker_is_killed_ends_by_itself_with_one_charge(live, api, held, victim):
    job_id = submit(api, "a sea", "held")
    wait_for(started(api, job_id))
    [(render, worker)] = renders(live)
    victims = [worker]
    if victim == "whole cluster":
        named = ("qcluster", "manage.py worker")
        victims = [pid for pid, _, command in processes(live) if any(name in command for name in named)]
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):  # with the first of them the others end
            os.kill(pid, signal.SIGKILL)
    wait_for(gone(live, render, *victims))
    if victim == "whole cluster":
        lapse(live)  # nobody was left to hand the job on
    held()
    found = wait_for(finished(api, job_id))
    assert (found["status"], found["dust"]) == ("completed", "charged")
    assert kinds(api, job_id) == ["hold", "post"]
    balance = api.get("/dust/balance")
    assert (balance["balance"], balance["held"]) == (290, 0)
    assert "Every rule holds." in live.manage("reconcile_dust")


def test_a_killed_workers_job_does_not_wait_for_the_queue_behind_it(live, api, held):
    job_id = submit(api, "a sea", "held")
    wait_for(started(api, job_id))
    [(_, worker)] = renders(live)
    backlog = [submit(api, f"the {number}th", "held") for number in range(8)]
    os.kill(worker, signal.SIGKILL)
    # while nothing ends, two jobs have a worker: it is one of them, or never
    wait_for(lambda: [attempt for _, attempt in claims(live, job_id)] == [1, 2])
    assert any(status(api, other)["status"] == "queued" for other in backlog)
    held()
    for waiting in (job_id, *backlog):
        assert wait_for(finished(api, waiting))["status"] == "completed"


def test_a_render_past_its_limit_is_a_timeout_and_ends_nobody_else(live, api, held):
    before = sum("Ending the whole cluster" in line for line in live.lines)
    neighbour = submit(api, "another", "held")
    wait_for(started(api, neighbour))
    endless = submit(api, "[slow 300] a sea", "limited")
    found = wait_for(finished(api, endless))
    assert (found["status"], found["error_code"]) == ("failed", "provider_timeout")
    assert kinds(api, endless) == ["hold", "post", "reverse"]
    held()
    assert wait_for(finished(api, neighbour))["status"] == "completed"
    assert len(claims(live, neighbour)) == 1
    assert sum("Ending the whole cluster" in line for line in live.lines) == before


def test_a_render_that_is_killed_is_tried_again_by_the_same_worker(live, api, held):
    job_id = submit(api, "a sea", "held")
    wait_for(started(api, job_id))
    [(render, worker)] = renders(live)
    os.kill(render, signal.SIGKILL)
    wait_for(gone(live, render))
    held()
    found = wait_for(finished(api, job_id))
    assert found["status"] == "completed"
    assert worker in [pid for pid, _, _ in processes(live)]
    assert kinds(api, job_id) == ["hold", "post"]


def test_a_job_that_kills_its_render_each_time_fails_and_its_neighbours_do_not(live, api):
    poison = submit(api, "[crash] a sea")
    neighbours = [submit(api, f"a sea, the {number}th") for number in range(4)]
    assert wait_for(finished(api, poison), 2 * PATIENCE)["dust"] == "refunded"
    for job_id in neighbours:
        assert wait_for(finished(api, job_id))["status"] == "completed"
    assert kinds(api, poison) == ["hold", "post", "reverse"]
