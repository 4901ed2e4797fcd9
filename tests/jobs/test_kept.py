"""A process that is kept makes one render after the other, and is given up when anything goes wrong."""

import datetime
import io
import os
import pathlib
import signal
import sys
import threading
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from PIL import Image

from jobs import child, kept, lifecycle, runner
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs import lasting
from tests.jobs.making import OPENING, PRICE
from videos.models import Video

pytestmark = pytest.mark.django_db

LIMIT_SECONDS = 60
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps this limit")


@pytest.fixture(autouse=True)
def work(settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    settings.JOB_RETRY = datetime.timedelta(0)
    plain = {"title": "Lasting", "provider": "tests.jobs.lasting.Lasting", "seconds_of_work": 1}
    settings.VIDEO_MODELS = {
        "lasting": plain,
        "other": {**plain, "options": {"seconds": 0.1}},
        "limited": {**plain, "timeout_seconds": LIMIT_SECONDS},
        "short": {**plain, "timeout_seconds": 2},
    }
    yield settings.WORK_DIR
    own = pid()
    kept.keeper.close()
    assert own is None or not pathlib.Path(f"/proc/{own}").exists()
    assert not list(settings.WORK_DIR.glob("*")), "a work folder was left behind"


@pytest.fixture
def run(submit, fresh):
    def make(prompt="a sea", model="lasting", **changes):
        job = submit(prompt=prompt, model=model, **changes)
        runner.run(job.id, worker="w1")
        return fresh(job)

    return make


@pytest.fixture
def at_work(submit, fresh):
    """Do something to a job once it is at work; return it as it is in the end."""

    def make(prompt, act):
        job, over = submit(prompt=prompt, model="lasting"), threading.Event()

        def wait():
            while fresh(job).progress == 0 and not over.wait(0.05):
                pass
            if not over.is_set():
                act(fresh(job))
            connections.close_all()

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            runner.run(job.id, worker="w1")  # in this thread, with which its process would end
        finally:
            over.set()
            thread.join(60)
        return fresh(job)

    return make


def pid():
    return kept.keeper._process.pid if kept.keeper._process else None


def log():
    return os.pread(kept.keeper._log.fileno(), 10_000, 0).decode()


def require_made(job):
    assert job.status == Status.COMPLETED, job.failure_detail


def test_the_next_render_is_made_by_the_same_process_and_provider(run, alice, dust_of):
    require_made(run())
    first = pid()
    require_made(run("another sea"))
    assert pid() == first
    assert log().count("asked 1") == log().count("asked 2") == 1
    assert dust_of(alice) == (OPENING - 2 * PRICE, 0)
    assert Video.objects.count() == 2


def test_a_log_that_has_grown_long_is_emptied(run, monkeypatch):
    monkeypatch.setattr(kept.keeper, "longest_log", 4)
    require_made(run())
    first = pid()
    assert "asked 1\n" in log()
    require_made(run("another sea"))
    assert (pid(), log()) == (first, "asked 2\n")
    assert os.fstat(kept.keeper._log.fileno()).st_size == len("asked 2\n")


def test_another_model_takes_the_place_of_the_one_before(run):
    require_made(run())
    first = pid()
    require_made(run(model="other"))
    assert pid() != first
    assert not pathlib.Path(f"/proc/{first}").exists()


def test_a_process_that_died_while_it_waited_is_replaced(run):
    require_made(run())
    first = pid()
    os.kill(first, 9)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # a zombie's other threads may be there still
    require_made(run())
    assert pid() != first


@pytest.mark.parametrize("word", ["fail", "error", "crash"])
def test_a_render_that_fails_costs_the_process_and_the_next_is_made_by_a_new_one(run, word):
    require_made(run())
    first = pid()
    failed = run(f"[{word}] a sea")
    assert failed.status in {Status.FAILED, Status.STARTING}
    assert pid() is None
    assert not pathlib.Path(f"/proc/{first}").exists()
    require_made(run())


@ON_LINUX
def test_a_render_that_takes_more_memory_than_the_ceiling_is_told_as_such_and_not_made_again(
    run, alice, dust_of
):
    before = dust_of(alice)
    job = run("[hog] a sea")
    assert (job.status, job.attempt, job.failure_code) == (Status.FAILED, 1, FailureCode.INTERNAL_ERROR)
    assert "used more than 512 MB of memory" in job.failure_detail
    assert dust_of(alice) == before
    assert pid() is None
    require_made(run())


@pytest.mark.django_db(transaction=True)
def test_nor_is_one_that_the_kernel_has_killed(at_work, run, alice, dust_of):
    before = dust_of(alice)
    job = at_work("[slow 300] a sea", lambda job: os.kill(pid(), signal.SIGKILL))
    assert (job.status, job.attempt, job.failure_code) == (Status.FAILED, 1, FailureCode.INTERNAL_ERROR)
    assert "SIGKILL" in job.failure_detail
    assert dust_of(alice) == before


class LaterClock:
    """The module `time`, so many seconds later."""

    sleep = staticmethod(time.sleep)

    def __init__(self, seconds):
        self._seconds = seconds

    def monotonic(self):
        return time.monotonic() + self._seconds


def test_the_time_limit_is_that_of_each_render_and_not_of_the_process(run, alice, dust_of, monkeypatch):
    require_made(run(model="limited"))
    first = pid()
    monkeypatch.setattr(child, "time", LaterClock(LIMIT_SECONDS + 1))
    require_made(run(model="limited"))
    assert pid() == first
    held = dust_of(alice)
    job = run("[slow 60] a sea", model="short")
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.PROVIDER_TIMEOUT)
    assert dust_of(alice) == held
    assert pid() is None
    assert not pathlib.Path(f"/proc/{first}").exists()


def test_a_step_may_take_longer_than_the_lease(run, settings):
    require_made(run())  # so that the lease does not have to last for the start of the process
    settings.JOB_LEASE = datetime.timedelta(seconds=lasting.NAP_SECONDS - 1)
    require_made(run("a nap"))


@ON_LINUX
def test_a_process_stuck_in_native_code_is_found_by_its_silence(run, settings):
    require_made(run())
    settings.JOB_LEASE = datetime.timedelta(seconds=4)
    started = time.monotonic()
    job = run("[hang] a sea")
    assert (job.status, job.attempt) == (Status.STARTING, 2)
    assert time.monotonic() - started < 60


@pytest.fixture
def cancelled(at_work):
    """Have staff end a job once it is at work; return it, and the seconds it took to be noticed."""

    def make(prompt):
        ended = []

        def end(job):
            lifecycle.fail(job, code=FailureCode.INTERNAL_ERROR, detail="stuck", actor="charlie")
            ended.append(time.monotonic())

        job = at_work(prompt, end)
        assert ended, job.failure_detail
        return job, time.monotonic() - ended[0]

    return make


@pytest.mark.django_db(transaction=True)
def test_a_render_that_is_not_wanted_any_more_stops_and_the_process_is_kept(cancelled, run):
    require_made(run())
    first = pid()
    job, seconds = cancelled("[slow 300] a sea")
    assert job.status == Status.FAILED
    assert seconds < 30
    assert pid() == first
    require_made(run())
    assert pid() == first


@pytest.mark.django_db(transaction=True)
def test_a_render_that_does_not_stop_is_ended(cancelled, run, monkeypatch):
    monkeypatch.setattr(kept, "STOP_SECONDS", 1.0)
    require_made(run())
    first = pid()
    job, seconds = cancelled("[stall at 10] a sea")
    assert job.status == Status.FAILED
    assert seconds < 30
    assert not pathlib.Path(f"/proc/{first}").exists()


def animate(run, content):
    stored = default_storage.save("uploads/aa/one", ContentFile(content))
    asked = {"generation_type": "image_to_video", "aspect_ratio": "", "cost": 8}
    return run(upload=stored, upload_name="cat.png", **asked)


def test_a_picture_is_opened_by_another_process(run):
    require_made(run())
    first = pid()
    job = animate(run, b"\x89PNG\r\n\x1a\n" + bytes(40))
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INVALID_IMAGE)
    assert pid() == first
    file = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(file, "PNG")
    made = animate(run, file.getvalue())
    require_made(made)
    assert (made.video.width, made.video.height) == (720, 480)
    assert pid() == first


def test_a_picture_is_looked_at_again_after_those_who_looked_were_killed(run, monkeypatch, fresh):
    file = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(file, "PNG")
    monkeypatch.setenv("PYTHONUTF8", "neither")  # no Python starts
    job = animate(run, file.getvalue())
    assert (job.status, job.attempt, job.worker) == (Status.STARTING, 2, "")
    monkeypatch.setenv("PYTHONUTF8", "1")
    runner.run(job.id, worker="w1")
    require_made(fresh(job))
