"""The driver killed with -9 at each step of a job, for every protocol at once: paid for at most once.

One installation has a model for each protocol. At each step one job of each is brought to that very point,
held there by its stand-in (or by a locked table), and then all that drives them is killed.
"""

import contextlib
import functools
import io
import json
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psycopg
import pytest
from PIL import Image

import videoapi.local
import videoapi.processes
from jobs.driver import OTHERS
from tests.jobs.test_crash import finished, kinds, processes, wait_for
from tests.live import Installation
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Answer, Server
from tests.remote.test_faults import NO_MORE, REFUSING

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UNKNOWN = 4
BY_NAME = {case.name: case for case in CASES}
REVIEW = "from jobs.models import *; print(*RemoteTask.objects.to_review().values_list('model', flat=True))"
PATIENCE = 240
CHARGED, REFUNDED = ["hold", "post"], ["hold", "post", "reverse"]


@pytest.fixture(scope="module")
def servers():
    with contextlib.ExitStack() as stack:
        yield {case.name: stack.enter_context(case.stand_in()) for case in CASES}


class Pictures(Server):
    """Has one picture."""

    def routes(self):
        return [
            ("GET", "/picture.jpg", lambda asked: Answer(200, self.picture, {"content-type": "image/jpeg"}))
        ]

    @functools.cached_property
    def picture(self):
        target = io.BytesIO()
        Image.new("RGB", (640, 360), "teal").save(target, "JPEG")
        return target.getvalue()


@pytest.fixture(scope="module")
def pictures():
    with Pictures() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_holds(servers, pictures):
    yield
    for server in (*servers.values(), pictures):
        release(dict(enumerate(server.holds)))
        server.holds.clear()


@pytest.fixture(scope="module")
def live(servers, pictures, tmp_path_factory):
    models = {}
    for case in CASES:
        entry = case.entry(servers[case.name])
        own = {"key": f"KEY_OF_{case.label}", "poll_seconds": 0.2, "unknown_seconds": UNKNOWN}
        models[case.name] = {**entry, "remote": {**entry["remote"], **own}}
    first = models["openai"]
    models["strict"] = {**first, "remote": {**first["remote"], "fallback": ["runway"]}}
    settings = {
        "DUST_OPENING_GRANT": "5000",
        "CANCEL_RUNNING": "true",
        "JOB_LEASE_SECONDS": "6",
        "OUTBOUND_TIMEOUT_SECONDS": "5",  # must be less than a lease
        "SWEEP_SECONDS": "3",
        "WORKER_QUEUES": "remote=1",
        "WORKER_PULSE_SECONDS": "1",
        "VIDEO_MODELS": json.dumps(models),
        "OUTBOUND_ALLOWED_HOSTS": ",".join(
            f"127.0.0.1:{server.port}" for server in (*servers.values(), pictures)
        ),
        **{f"KEY_OF_{BY_NAME[name].label}": server.key for name, server in servers.items()},
    }
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(videoapi.processes, "LONGEST_PAUSE", 1.0)  # however often the worker is killed
        changed.setattr(videoapi.local, "WORKER_GRACE_SECONDS", 60)
        with Installation(tmp_path_factory.mktemp("installation"), **settings) as installation:
            yield installation


@pytest.fixture(scope="module")
def token(live):
    return live.token("ada")


@pytest.fixture(scope="module")
def api(live, token):
    with contextlib.closing(live.user_of(token)) as api:
        yield api


def is_submit(asked):
    """Every protocol sends the prompt with the submit, and with nothing else."""
    return asked.method in {"POST", "PUT"} and b"[kill" in asked.content


def is_poll(prompt, server):
    """Any question that comes once the prompt was taken."""
    return lambda asked: (
        asked.method == "GET" and not server.is_download(asked) and server.submits_of(prompt) > 0
    )


@contextlib.contextmanager
def database(live):
    """Give a connection, which commits each statement, and the kind of database it leads to."""
    url = live.environment["DATABASE_URL"]
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection, "postgresql"
    else:
        file = live.folder / "db.sqlite3"
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout=20000")
            yield connection, "sqlite"


@contextlib.contextmanager
def locked(live):
    """Let nobody write to the database."""
    with database(live) as (lock, kind):
        if kind == "sqlite":
            lock.execute("BEGIN IMMEDIATE")
        else:
            lock.execute("BEGIN")
            lock.execute("LOCK TABLE jobs_remotetask, jobs_job IN EXCLUSIVE MODE")
        yield
        lock.execute("ROLLBACK")


@contextlib.contextmanager
def unfailing(live, prompt):
    """Let nobody fail a job with this prompt; give what counts its refusals."""
    with database(live) as (connection, kind):
        when = f"NEW.prompt = '{prompt}' AND NEW.status = 'failed'"
        refusals = (
            "SELECT count(*) FROM jobs_remotetask WHERE state = 'refused' "
            f"AND job_id IN (SELECT id FROM jobs_job WHERE prompt = '{prompt}')"
        )
        connection.execute(REFUSING[kind].format(when=when))
        try:
            yield lambda: connection.execute(refusals).fetchone()[0]
        finally:
            connection.execute(NO_MORE[kind])


def stopping(live):
    """The workers that take nothing more."""
    with database(live) as (connection, _):
        rows = connection.execute("SELECT id FROM jobs_worker WHERE stopping_at IS NOT NULL").fetchall()
    return {worker_id for (worker_id,) in rows}


def kill_the_driver(live):
    """Kill the worker and all its processes, as a machine does that loses its power."""
    for pid, _, command in processes(live):
        if "uvicorn" not in command:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def submitted(api, model, prompt, **fields):
    body = {"prompt": prompt, "model": model, "resolution": "hd_720p", **fields}
    path = "/videos/animate" if "image_url" in fields else "/videos/generate"
    return api.submit(path, key=os.urandom(8).hex(), json=body)["job_id"]


def is_cancel(asked):
    return asked.path.endswith("/cancel") or asked.method == "DELETE"


def said(api, job_id):
    """What is said of a job: its status and its step."""
    found = api.get(f"/videos/jobs/{job_id}/status")
    return {found["status"], found["generation_info"]["current_step"]}


def see_the_end(live, api, servers, jobs, prompt):
    """Every job ends; nobody was submitted to twice, and the money is as the job says.

    Return how they ended, by protocol.
    """
    endings = {}
    for case in (BY_NAME[name] for name in jobs):
        found = wait_for(finished(api, jobs[case.name]), PATIENCE)
        times = servers[case.name].submits_of(prompt)
        assert times <= 1, case.name
        if found["status"] == "completed":
            assert (times, kinds(api, jobs[case.name])) == (1, CHARGED), case.name
        else:
            assert kinds(api, jobs[case.name]) == REFUNDED, (case.name, found)
        endings[case.name] = found["status"]
    assert "Every rule holds." in live.manage("reconcile_dust")
    return endings


def drive_to(hold_of):
    """Wait until every protocol's job has come to its hold."""
    for hold in hold_of.values():
        wait_for(hold.reached.is_set, PATIENCE)


def release(hold_of):
    for hold in hold_of.values():
        hold.release()


def test_before_the_intent(live, api, servers, pictures):
    prompt = "[killa] a sea"
    hold = pictures.hold(lambda asked: True)
    url = f"{pictures.origin}/picture.jpg"
    able = [case.name for case in CASES if case.takes_pictures]
    with ThreadPoolExecutor(len(able)) as pool:  # at once: the first picture is waited for a few seconds only
        ids = pool.map(lambda name: submitted(api, name, prompt, image_url=url), able)
        jobs = dict(zip(able, ids, strict=True))
    wait_for(hold.reached.is_set, PATIENCE)
    end = time.monotonic() + 1.0
    while len(pictures.asked) < OTHERS["pictures"] and time.monotonic() < end:
        time.sleep(0.05)
    kill_the_driver(live)
    hold.release()
    endings = see_the_end(live, api, servers, jobs, prompt)
    assert set(endings.values()) == {"completed"}


@pytest.mark.parametrize("arrived", [False, True], ids=["after the intent", "after the request"])
def test_while_the_submit_is_under_way(arrived, live, api, servers):
    """Nothing comes back: the provider may have it or not. It is found, or given up and refunded."""
    prompt = f"[kill{'c' if arrived else 'b'}] a sea"
    holds = {name: server.hold(is_submit, before=not arrived) for name, server in servers.items()}
    jobs = {case.name: submitted(api, case.name, prompt) for case in CASES}
    drive_to(holds)
    kill_the_driver(live)
    for hold in holds.values():
        hold.drop()
    for name, status in see_the_end(live, api, servers, jobs, prompt).items():
        assert status == ("completed" if arrived and BY_NAME[name].finds else "failed"), name
    review = live.manage("shell", "--verbosity=0", "-c", REVIEW)
    lost = {name for name in jobs if not (arrived and BY_NAME[name].finds)}
    assert lost <= set(review.split())


def test_before_the_id_is_stored(live, api, servers):
    prompt = "[killd] a sea"
    holds = {name: server.hold(is_submit) for name, server in servers.items()}
    jobs = {case.name: submitted(api, case.name, prompt) for case in CASES}
    drive_to(holds)
    with locked(live):
        release(holds)
        time.sleep(1.0)  # the answers are there, and can't be written down
        kill_the_driver(live)
    for name, status in see_the_end(live, api, servers, jobs, prompt).items():
        assert status == ("completed" if BY_NAME[name].finds else "failed"), name


def test_before_a_job_is_failed_for_what_was_refused(live, api, servers):
    """Who takes it over offers it to nobody else, and says why it was refused."""
    prompt = "[killl] [moderate] a sea"
    names = [*(case.name for case in CASES if "moderate" not in case.without), "strict"]
    with unfailing(live, prompt) as refusals:
        jobs = {name: submitted(api, name, prompt) for name in names}
        wait_for(lambda: refusals() == len(names), PATIENCE)
        kill_the_driver(live)
    for name in names:
        found = wait_for(finished(api, jobs[name]), PATIENCE)
        assert (found["status"], found["error_code"]) == ("failed", "content_rejected"), name
        assert kinds(api, jobs[name]) == REFUNDED, name
    assert [server.submits_of(prompt) for server in servers.values()] == [0] * len(servers)
    assert "Every rule holds." in live.manage("reconcile_dust")


def test_while_polling(live, api, servers):
    prompt = "[kille] a sea"
    holds = {name: server.hold(is_poll(prompt, server)) for name, server in servers.items()}
    jobs = {case.name: submitted(api, case.name, prompt) for case in CASES}
    drive_to(holds)
    kill_the_driver(live)
    release(holds)
    assert set(see_the_end(live, api, servers, jobs, prompt).values()) == {"completed"}


@pytest.mark.parametrize("stored", [False, True], ids=["while downloading", "before it is completed"])
def test_with_the_video_at_hand(stored, live, api, servers):
    prompt = f"[kill{'g' if stored else 'f'}] a sea"
    holds = {name: server.hold(server.is_download) for name, server in servers.items()}
    jobs = {case.name: submitted(api, case.name, prompt) for case in CASES}
    drive_to(holds)
    with locked(live) if stored else contextlib.nullcontext():
        if stored:
            release(holds)
            time.sleep(2.0)  # fetched and looked into, and can't be completed
        kill_the_driver(live)
    release(holds)
    assert set(see_the_end(live, api, servers, jobs, prompt).values()) == {"completed"}


@pytest.mark.parametrize("arrived", [False, True], ids=["before it is asked", "before it has confirmed"])
def test_while_it_is_being_cancelled(arrived, live, api, token, servers):
    """The wish outlives the driver, and is asked for again; nobody is charged for what was stopped."""
    prompt = f"[kill{'j' if arrived else 'i'}] [ages] a sea"
    able = [case for case in CASES if case.cancels]
    holds = {case.name: servers[case.name].hold(is_cancel, before=not arrived) for case in able}
    jobs = {case.name: submitted(api, case.name, prompt) for case in able}
    for case in able:
        wait_for(lambda job_id=jobs[case.name]: "processing" in said(api, job_id), PATIENCE)
        address = f"{live.url}/videos/jobs/{jobs[case.name]}"
        answer = httpx2.delete(address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert answer.status_code == 202, answer.text
    drive_to(holds)
    kill_the_driver(live)
    for hold in holds.values():
        hold.drop()
    assert all("cancelling" in said(api, job_id) for job_id in jobs.values())
    endings = see_the_end(live, api, servers, jobs, prompt)
    assert set(endings.values()) == {"cancelled"}
    for case in able:
        assert [w.is_cancelled for w in servers[case.name].works.values() if w.prompt == prompt] == [True]


def test_a_worker_that_is_stopped_notes_what_was_paid_for(live, api, servers):
    """SIGTERM in the middle of the submits: their answers are waited for and written down."""
    prompt = "[killh] a sea"
    holds = {name: server.hold(is_submit) for name, server in servers.items()}
    jobs = {case.name: submitted(api, case.name, prompt) for case in CASES}
    drive_to(holds)
    [supervisor] = [pid for pid, _, command in processes(live) if "manage.py worker" in command]
    before = stopping(live)
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: stopping(live) - before, PATIENCE)
    release(holds)
    assert set(see_the_end(live, api, servers, jobs, prompt).values()) == {"completed"}
