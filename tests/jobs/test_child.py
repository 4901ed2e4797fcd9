"""A render process that misbehaves costs its own job an attempt, and the worker nothing."""

import contextlib
import datetime
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings

from jobs import child, child_environment, runner
from jobs.models import JobEvent
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs import misbehaving
from tests.jobs.making import OPENING, PRICE
from videos.models import Video

pytestmark = pytest.mark.django_db

CEILING_MB = 512
LIMIT_SECONDS = 3
PATIENCE = 60  # seconds for what takes a moment, on a machine that is busy
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps this limit")


@pytest.fixture(autouse=True)
def work(settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    settings.JOB_RETRY = datetime.timedelta(0)
    settings.VIDEO_MODELS = {
        "odd": {**misbehaving.MODEL, "memory_mb": CEILING_MB},
        "short": {**misbehaving.MODEL, "timeout_seconds": LIMIT_SECONDS},
        "rehearsal": {"memory_mb": CEILING_MB, "options": {"seconds": 0}},
        "free": {**misbehaving.MODEL, "memory_mb": 0},
    }
    yield settings.WORK_DIR
    assert not list(settings.WORK_DIR.glob("*")), "a work folder was left behind"


@pytest.fixture
def run(submit, fresh):
    """Render a prompt with the misbehaving model, as often as a worker would be woken."""

    def make(prompt, times=1, model="odd"):
        job = submit(prompt=prompt, model=model)
        for _ in range(times):
            runner.run(job.id, worker="w1")
        return fresh(job)

    return make


def mentioning(text):
    """Return the processes whose command line has this text."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def require_gone(job):
    """What was killed is gone in a moment, if not in the same one."""
    deadline = time.monotonic() + PATIENCE
    while mentioning(str(job.id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mentioning(str(job.id)) == []


def why(job):
    return JobEvent.objects.filter(job=job).latest("id").message


def test_a_render_deaf_to_every_signal_is_ended_at_its_models_own_time_limit(run, alice, dust_of):
    started = time.monotonic()
    job = run("deaf", model="short")
    assert time.monotonic() - started >= LIMIT_SECONDS  # the detail says that it was no other limit
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.PROVIDER_TIMEOUT)
    assert job.failure_detail == f"The render passed its time limit of {LIMIT_SECONDS} seconds."
    assert dust_of(alice) == (OPENING, 0)


def test_a_crash_is_seen_at_once_and_takes_the_renders_own_children_along(run):
    job = run("family")
    assert (job.status, job.attempt) == (Status.STARTING, 2)
    assert "SIGSEGV" in why(job)  # unseen, it would have been ended for its silence, after a whole lease
    require_gone(job)


def test_a_finished_render_leaves_no_process_behind_either(run):
    job = run("fertile")
    assert job.status == Status.COMPLETED, job.failure_detail
    require_gone(job)


@pytest.mark.parametrize("habit", ["endless", "garbage"])
def test_nonsense_on_the_channel_fails_the_job_with_the_reason(run, alice, dust_of, habit):
    job = run(habit)
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INTERNAL_ERROR)
    assert "said what is no message" in job.failure_detail
    assert len(job.failure_detail) < 1000
    assert dust_of(alice) == (OPENING, 0)


def test_a_render_that_closes_its_pipes_and_lives_on_does_not_hold_the_worker(run):
    job = run("mute")
    assert job.status == Status.FAILED
    # waited for, it would have ended one day, and that would be the reason
    assert "closed its channel without a result, and lived on" in job.failure_detail


def own_renders():
    return [pid for pid in mentioning("jobs.render_child") if parent(pid) == os.getpid()]


def parent(pid):
    with contextlib.suppress(OSError):
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


@ON_LINUX
def test_what_a_render_says_while_its_worker_is_not_looking_counts_though_it_has_ended_since(
    run, alice, dust_of, monkeypatch
):
    look = select.select

    def be_held_up(*arguments):
        """Have the machine busy with others from a look that saw nothing until the render has ended."""
        found = look(*arguments)
        deadline = time.monotonic() + 30
        while not found[0] and arguments[3] and own_renders() and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    monkeypatch.setattr(select, "select", be_held_up)
    job = run("tardy")
    assert job.status == Status.COMPLETED, job.failure_detail
    assert dust_of(alice) == (OPENING - PRICE, 0)


def test_a_worker_that_was_held_up_for_longer_than_its_patience_still_hears_what_was_said(tmp_path):
    folder = tmp_path / "held-up"
    folder.mkdir()
    generation = {
        "job_id": "0" * 32,
        "attempt": 1,
        "generation_type": "text_to_video",
        "prompt": "repetitive",
        "resolution": "sd_480p",
        "aspect_ratio": "16:9",
        "frames_per_second": 24,
        "duration_seconds": 5,
        "seed": 1,
        "camera_fixed": False,
        "options": misbehaving.MODEL["options"],
    }
    spec = {"generation": generation, "provider": misbehaving.PATH, "folder": str(folder)}
    spec |= {"image": None, "portrait": None}
    with child.started(spec, folder, child.Ceilings(memory_mb=CEILING_MB, seconds=60)) as process:
        assert process.ended_within(60)
        said = list(itertools.islice(process.messages(patience=0, seconds=60), 2))
    assert len(said) == 2


@pytest.mark.parametrize("habit", ["premature", "repetitive"])
def test_a_video_that_is_made_counts_whatever_else_is_said_or_left_hanging(run, alice, dust_of, habit):
    job = run(habit)
    assert job.status == Status.COMPLETED, job.failure_detail
    assert dust_of(alice) == (OPENING - PRICE, 0)


def test_progress_that_is_no_share_harms_nothing(run, fresh):
    job = run("immeasurable")
    assert (job.status, job.progress) == (Status.COMPLETED, 1.0), job.failure_detail


@pytest.mark.parametrize(
    "how", ["absolute", "upwards", "link", "inward", "loop", "pipe", "folder", "missing"]
)
def test_only_a_plain_file_in_its_own_folder_is_taken_for_the_video(run, alice, dust_of, media, how, work):
    job = run(f"outside {how}")
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INTERNAL_ERROR)
    assert "no file of its own" in job.failure_detail
    assert dust_of(alice) == (OPENING, 0)
    assert not Video.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []
    (work / "other.mp4").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "change",
    [
        *({"width": 0}, {"height": 10**9}, {"width": "854"}, {"frames_per_second": -24}),
        *({"duration_seconds": float("nan")}, {"duration_seconds": 0}, {"video": None}, {"poster": []}),
    ],
    ids=str,
)
def test_a_result_that_cannot_be_is_refused_before_anything_is_stored(run, media, change):
    job = run(f"unreal {json.dumps(change)}")
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INTERNAL_ERROR)
    assert [path for path in media.rglob("*") if path.is_file()] == []


@ON_LINUX
@pytest.mark.parametrize(
    ("model", "prompt"), [("odd", "array"), ("odd", "cpp"), ("rehearsal", "[hog] a sea")]
)
def test_memory_beyond_the_ceiling_is_refused_and_staff_read_why(run, model, prompt):
    job = run(prompt, model=model)
    assert (job.status, job.attempt) == (Status.STARTING, 2)
    assert f"used more than {CEILING_MB} MB of memory" in why(job)


@ON_LINUX
def test_a_job_that_eats_memory_each_time_fails_after_three_attempts(run, alice, dust_of):
    job = run("array", times=4)
    assert (job.status, job.failure_code, job.attempt) == (Status.FAILED, FailureCode.INTERNAL_ERROR, 3)
    assert "MemoryError" in job.failure_detail
    assert dust_of(alice) == (OPENING, 0)


@pytest.mark.parametrize(("habit", "reason"), [("large", "File too large"), ("full", "No space left")])
def test_a_disk_that_takes_no_more_means_another_attempt(run, habit, reason):
    job = run(habit)
    assert (job.status, job.attempt) == (Status.STARTING, 2)
    assert reason in why(job)


@ON_LINUX
@pytest.mark.parametrize(("model", "memory"), [("odd", CEILING_MB << 20), ("free", -1)])
def test_a_render_runs_within_the_limits_of_its_model_and_is_the_first_to_be_killed(run, model, memory):
    found = json.loads(run("limited", model=model).failure_detail)
    assert found["RLIMIT_DATA"] == [memory, memory]
    assert found["RLIMIT_CORE"] == [0, 0]
    assert found["RLIMIT_FSIZE"] == [4 << 30, 4 << 30]
    assert found["first"] == "1000"


SECRETS = {
    "SECRET_KEY": "key-" + "k" * 60,
    "DATABASE_URL": "postgres://who:database-password@db/videos",
    "REDIS_URL": "redis://:redis-password@cache/0",
    "OPENAI_API_KEY": "openai-password",
    "AWS_SECRET_ACCESS_KEY": "aws-password",
}


@ON_LINUX
def test_a_render_finds_no_secret_in_its_environment_nor_in_its_settings(run, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VIDEOAPI_SUPERVISOR", "the-mark-of-its-owner")
    values = [value.rpartition("//")[2] for value in SECRETS.values()]
    own = [django_settings.DATABASES["default"].get(name) for name in ("PASSWORD", "HOST", "NAME")]
    everybodys = {"127.0.0.1", "localhost"}  # stand in any environment, and tell of no database
    hidden = [word for word in (*values, *own, "OPENAI_API_KEY") if word and word not in everybodys]
    job = run(" ".join(["inquisitive", "the-mark-of-its-owner", *map(str, hidden)]))
    assert json.loads(job.failure_detail) == ["the-mark-of-its-owner"]


STANDALONE = """
import os
from django.conf import settings
print(settings.DATABASES["default"]["NAME"], settings.DEBUG, settings.ENCODER_THREADS)
print(dict(os.environ), vars(settings._wrapped))
"""


def test_the_settings_load_with_what_a_render_is_given_and_a_file_brings_no_secret_back(
    tmp_path, monkeypatch
):
    """In production, as the settings stand, and not as the tests have them."""
    root = django_settings.BASE_DIR
    for path in root.iterdir():
        if path.is_dir() and path.name != "videoapi" and not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(root / "videoapi", tmp_path / "videoapi")
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "videoapi.settings")
    monkeypatch.setenv("ENCODER_THREADS", "3")
    given = {**child_environment.make(), "DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-c", STANDALONE]
    told = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True)
    assert told.stdout.startswith(":memory: False 3\n"), told.stderr
    assert [value for value in SECRETS.values() if value in told.stdout] == []
    assert not (tmp_path / "data").exists()


WORKER = """
import sys, time
from pathlib import Path
import django
django.setup()
from jobs.child import Ceilings, started
generation = {
    "job_id": "0" * 32, "attempt": 1, "generation_type": "text_to_video", "prompt": "[hang]",
    "resolution": "sd_480p", "aspect_ratio": "16:9", "frames_per_second": 24, "duration_seconds": 5,
    "seed": 1, "camera_fixed": False, "options": {},
}
folder = Path(sys.argv[1])
spec = {"generation": generation, "provider": "jobs.providers.rehearsal.Rehearsal", "folder": str(folder),
        "image": None, "portrait": None}
with started(spec, folder, Ceilings(memory_mb=512, seconds=60)) as process:
    for message in process.messages(patience=60, seconds=60):
        print(process.pid, flush=True)
"""


@ON_LINUX
def test_a_render_stuck_in_native_code_ends_with_its_worker(tmp_path):
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=django_settings.BASE_DIR)
    with worker:
        pids = {int(worker.stdout.readline()) for _ in range(2)}  # prepared, accepted
        [render] = pids
        time.sleep(1.5)  # by now it is in the middle of its hang
        os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while pathlib.Path(f"/proc/{render}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pathlib.Path(f"/proc/{render}").exists()
