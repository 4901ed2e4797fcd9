"""Poisonous jobs among good ones, in a real installation: they fail and are refunded; nobody else notices."""

import contextlib
import json
import os

import pytest

from tests.held import entry
from tests.jobs import misbehaving
from tests.jobs.test_crash import finished, kinds, processes, renders, started, status, submit, wait_for
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

GOOD = 20
PATIENCE = 300
CEILING_MB = 512
# what the prompt says: the model, and what clients learn
POISONS = {
    "[crash]": ("rehearsal", "internal_error"),
    "[hog]": ("rehearsal", "internal_error"),
    "[hang]": ("brief", "provider_timeout"),
    "deaf": ("short", "provider_timeout"),
    "family": ("odd", "internal_error"),
    "cpp": ("odd", "internal_error"),
    "endless": ("odd", "internal_error"),
    "mute": ("odd", "internal_error"),
    "outside pipe": ("odd", "internal_error"),
}


@pytest.fixture(scope="module")
def live(tmp_path_factory, gate_of_held):
    rehearsal = {"memory_mb": CEILING_MB, "options": {"seconds": 0}}
    odd = {**misbehaving.MODEL, "memory_mb": CEILING_MB}
    models = {
        "rehearsal": rehearsal,
        "brief": {
            **rehearsal,
            "title": "Brief",
            "provider": "jobs.providers.rehearsal.Rehearsal",
            "seconds_of_work": 1,
            "timeout_seconds": 3,
        },
        "held": entry(gate_of_held),
        "odd": odd,
        "short": {**odd, "timeout_seconds": 3},
    }
    settings = {
        "DUST_OPENING_GRANT": "1000",
        "LOG_LEVEL": "INFO",
        "JOB_LEASE_SECONDS": "60",  # in which a busy machine starts a render
        "OUTBOUND_TIMEOUT_SECONDS": "3",
        "SWEEP_SECONDS": "2",
        "REQUEUE_AFTER_SECONDS": "5",
        "JOB_RETRY_SECONDS": "0.5",
        "MAX_ACTIVE_JOBS": "50",
        "VIDEO_MODELS": json.dumps(models),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
        yield installation


@pytest.fixture
def api(live):
    with contextlib.closing(live.user(f"ada{os.urandom(4).hex()}")) as api:
        yield api


def workers(live):
    """Return the pids of the supervisor and of everything in its cluster, renders left out."""
    return {
        pid for pid, _, command in processes(live) if "qcluster" in command or "manage.py worker" in command
    }


def wait_until_complete(live):
    """Wait until every cluster that was started has all its parts: a worker is ready before it has."""
    count = lambda words: sum(words in line for line in live.lines)  # noqa: E731
    wait_for(lambda: count(": complete,") == count(": started, main process") > 0, PATIENCE)


def require_books(live, api, *, charged):
    wait_for(lambda: api.get("/dust/balance")["held"] == 0, PATIENCE)
    assert api.get("/dust/balance")["balance"] == 1000 - 10 * charged
    assert "Every rule holds." in live.manage("reconcile_dust")


def test_poisonous_jobs_among_twenty_good_ones_fail_alone_and_cost_no_worker_process(live, api):
    wait_until_complete(live)
    before = workers(live)
    good = [submit(api, f"a sea, the {number}th") for number in range(GOOD // 2)]
    poison = {prompt: submit(api, prompt, model) for prompt, (model, _) in POISONS.items()}
    good += [submit(api, f"a hill, the {number}th") for number in range(GOOD // 2)]
    for job_id in good:
        assert wait_for(finished(api, job_id), PATIENCE)["status"] == "completed"
        assert kinds(api, job_id) == ["hold", "post"]
    for prompt, job_id in poison.items():
        found = wait_for(finished(api, job_id), PATIENCE)
        told = (found["status"], found["error_code"], found["dust"])
        assert told == ("failed", POISONS[prompt][1], "refunded"), prompt
        assert kinds(api, job_id) == ["hold", "post", "reverse"]
    assert workers(live) == before
    assert renders(live) == []
    require_books(live, api, charged=GOOD)


def test_a_job_that_kills_its_worker_each_time_is_stopped_and_costs_nobody_else_theirs(live, api, held):
    clusters_ended = lambda: sum("Ending the whole cluster" in line for line in live.lines)  # noqa: E731
    before = clusters_ended()
    # the first one is always at work beside it, and loses what was rendered each time, but no attempt
    neighbours = [submit(api, "a sea", "held")]
    wait_for(started(api, neighbours[0]), PATIENCE)
    deadly = submit(api, "deadly", "odd")
    neighbours += [submit(api, f"{words}a sea") for words in ("", "[slow 1] ")]
    assert wait_for(finished(api, deadly), PATIENCE)["dust"] == "refunded"
    assert kinds(api, deadly) == ["hold", "post", "reverse"]
    assert clusters_ended() - before == 3  # its attempts
    held()
    for job_id in neighbours:
        assert wait_for(finished(api, job_id), PATIENCE)["status"] == "completed", status(api, job_id)
        assert kinds(api, job_id) == ["hold", "post"]
    require_books(live, api, charged=len(neighbours))
