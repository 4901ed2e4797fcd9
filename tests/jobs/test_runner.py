"""From a claimed job to its end, with the real child process, encoder and storage."""

import io
import os
import pathlib
import threading
import time

import av
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connections
from PIL import Image

from dust import audit
from jobs import lifecycle, runner
from jobs.models import Job, JobEvent
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs import servers, stepping
from tests.jobs.making import OPENING, PRICE, move_clock
from videos.models import Video

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def work(settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    yield settings.WORK_DIR
    assert not list(settings.WORK_DIR.glob("*")), "a work folder was left behind"


@pytest.fixture
def run(submit, fresh):
    """Submit a prompt to the rehearsal model and run it as often as a worker would be woken."""

    def make(prompt, times=1, **changes):
        job = submit(prompt=prompt, **changes)
        for _ in range(times):
            runner.run(job.id, worker="w1")
            move_clock(job, minutes=1)  # the pause before another try is over
        return fresh(job)

    return make


def children():
    """Return the render processes of this process."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
            command = (path.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and "jobs.render_child" in command:
            found.append(int(path.parent.name))
    return found


class FullDisk(FileSystemStorage):
    """A storage whose disk is full."""

    def _save(self, name, content):
        raise OSError(28, "No space left on device")


def test_a_prompt_becomes_a_real_video_in_the_library(run, alice, dust_of):
    job = run("a quiet sea", metadata={"mine": 1})
    assert job.status == Status.COMPLETED
    assert job.generation_ms > 0
    assert dust_of(alice) == (OPENING - PRICE, 0)
    video = job.video
    assert (video.user, video.prompt, video.metadata) == (alice, "a quiet sea", {"mine": 1})
    assert (video.width, video.height, video.fps, video.duration_seconds) == (854, 480, 24, 5.0)
    assert video.aspect_ratio == "16:9"
    with default_storage.open(video.file) as file, av.open(file) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 854, 480)
        assert sum(1 for _ in container.decode(stream)) == 120
    assert default_storage.size(video.file) == video.size_bytes
    assert default_storage.exists(video.poster)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("[fail]", FailureCode.PROVIDER_REJECTED),
        ("[reject]", FailureCode.CONTENT_REJECTED),
        ("[timeout]", FailureCode.PROVIDER_TIMEOUT),
    ],
)
def test_a_refusal_fails_the_job_and_gives_the_dust_back(run, alice, dust_of, word, code):
    job = run(f"{word} a sea", times=3)
    assert (job.status, job.failure_code) == (Status.FAILED, code)
    assert dust_of(alice) == (OPENING, 0)
    assert not Video.objects.exists()


def test_a_passing_fault_is_tried_again_and_charged_once(run, alice, dust_of):
    job = run("[flaky 2] a sea", times=3)
    assert (job.status, job.attempt) == (Status.COMPLETED, 3)
    assert dust_of(alice) == (OPENING - PRICE, 0)
    verbs = list(JobEvent.objects.filter(job=job).order_by("id").values_list("verb", flat=True))
    assert verbs.count("hand_back") == 2


def test_a_render_that_crashes_each_time_is_stopped_after_three_attempts(run, alice, dust_of):
    job = run("[crash] a sea", times=4)
    assert (job.status, job.failure_code, job.attempt) == (Status.FAILED, FailureCode.INTERNAL_ERROR, 3)
    assert "signal 9" in job.failure_detail
    assert dust_of(alice) == (OPENING, 0)
    assert children() == []


def test_an_unexpected_error_fails_at_once_and_staff_see_where(run):
    job = run("[error] a sea")
    assert (job.status, job.failure_code, job.attempt) == (Status.FAILED, FailureCode.INTERNAL_ERROR, 1)
    assert "Traceback" in job.failure_detail


def test_a_render_that_stalls_is_ended_within_the_lease(run, settings):
    settings.JOB_LEASE = settings.JOB_LEASE / 10
    job = run("[stall] a sea")
    assert (job.status, job.attempt) == (Status.STARTING, 2)  # by itself it would end for good, much later
    assert "no progress" in JobEvent.objects.filter(job=job).last().message
    at = dict(JobEvent.objects.filter(job=job).values_list("verb", "at"))
    assert (at["hand_back"] - at["accept"]).total_seconds() < 8 * settings.JOB_LEASE.total_seconds()
    assert children() == []


def test_a_render_that_takes_too_long_is_ended_and_not_tried_again(run, settings, alice, dust_of):
    settings.JOB_TIMEOUT_SECONDS = 2
    job = run("[slow 60] a sea")
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.PROVIDER_TIMEOUT)
    assert dust_of(alice) == (OPENING, 0)
    assert children() == []


def test_a_model_that_was_withdrawn_fails_its_waiting_jobs(submit, fresh, settings, alice, dust_of):
    job = submit()
    settings.REHEARSAL = False
    runner.run(job.id, worker="w1")
    assert fresh(job).failure_code == FailureCode.PROVIDER_UNAVAILABLE
    assert dust_of(alice) == (OPENING, 0)


def test_a_full_disk_means_another_attempt_and_then_a_refund_with_the_reason(run, settings, alice, dust_of):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.FullDisk"}}
    job = run("a sea", times=4)
    assert (job.status, job.attempt) == (Status.FAILED, 3)
    assert "No space left on device" in job.failure_detail
    assert dust_of(alice) == (OPENING, 0)


def test_a_message_for_a_job_that_is_not_to_be_had_does_nothing(queued):
    lifecycle.cancel(queued)
    runner.run(queued.id, worker="w1")
    assert JobEvent.objects.filter(job=queued).count() == 2


def picture(kind="PNG", size=(300, 200), mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size, "teal").save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def animate(run):
    """Run an animate of an uploaded picture."""

    def make(content, name="cat.png", prompt="zoom in"):
        stored = default_storage.save("uploads/aa/one", ContentFile(content))
        asked = {"generation_type": "image_to_video", "aspect_ratio": "", "cost": 8}
        return run(prompt, upload=stored, upload_name=name, **asked)

    return make


def test_an_uploaded_picture_becomes_a_video_in_its_own_shape(animate):
    job = animate(picture())
    assert job.status == Status.COMPLETED, job.failure_detail
    assert (job.video.width, job.video.height, job.video.aspect_ratio) == (720, 480, "3:2")
    assert default_storage.exists(job.video.source_image)


FRAMES = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cat.jpg", b"GIF89a" + bytes(40)),
        ("cat.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("cat.jpg", picture("PNG")),
        ("cat.png", picture("PNG")[:-60]),
        ("cat.jpg", picture("JPEG", mode="CMYK")),
        ("cat.webp", picture("WEBP", save_all=True, append_images=FRAMES, size=(40, 40))),
        ("cat.png", picture("PNG", save_all=True, append_images=FRAMES, size=(40, 40))),
        ("cat.png", picture("PNG", size=(60_000, 1_000), mode="1")),
        ("cat.exe", picture("PNG")),
    ],
    ids=[
        "gif",
        "svg",
        "another kind",
        "truncated",
        "cmyk",
        "animated webp",
        "animated png",
        "bomb",
        "extension",
    ],
)
def test_a_picture_that_is_none_ends_in_invalid_image_and_a_refund(animate, alice, dust_of, name, content):
    job = animate(content, name)
    assert (job.status, job.failure_code, job.attempt) == (Status.FAILED, FailureCode.INVALID_IMAGE, 1)
    assert job.failure_detail
    assert dust_of(alice) == (OPENING, 0)


def test_a_picture_is_fetched_from_its_url(run, settings):
    with servers.serving(servers.ok(picture(), b"Content-Type: image/png")) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        asked = {"generation_type": "image_to_video", "aspect_ratio": "", "image_url": server.url("/cat.png")}
        job = run("zoom in", **asked)
    assert job.status == Status.COMPLETED, job.failure_detail
    assert job.video.source_image_url == server.url("/cat.png")


def test_a_url_that_is_not_public_ends_in_invalid_image_and_a_refund(run, alice, dust_of):
    asked = {"generation_type": "image_to_video", "aspect_ratio": "", "image_url": "http://169.254.169.254/"}
    job = run("zoom in", **asked)
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INVALID_IMAGE)
    assert dust_of(alice) == (OPENING, 0)


def test_a_reference_photo_that_cannot_be_used_is_a_reference_error(run, alice, dust_of):
    person = {"person_id": "p1", "photo_url": "http://127.0.0.1/me.jpg"}
    job = run("a sea", reference_person=person)
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.REFERENCE_ERROR)
    assert dust_of(alice) == (OPENING, 0)


@pytest.mark.django_db(transaction=True)
def test_progress_moves_while_the_video_is_made(submit, fresh, settings, tmp_path):
    settings.VIDEO_MODELS = {"stepping": stepping.entry(tmp_path)}
    job = submit(model="stepping")
    seen, steps = [], set()

    def work():
        runner.run(job.id, worker="w1")
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    end = time.monotonic() + 180
    while thread.is_alive() and time.monotonic() < end:
        now = fresh(job)
        if not seen or seen[-1] != (now.status, now.progress):
            seen.append((now.status, now.progress))
        step = round(now.progress / runner.STORING * stepping.STEPS, 3)
        if now.status == Status.PROCESSING and step in stepping.WAITS:
            steps.add(step)
            stepping.go_on(tmp_path, step)
        time.sleep(0.05)
    for step in stepping.WAITS:  # what was never seen is not to keep the thread
        stepping.go_on(tmp_path, step)
    thread.join(60)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert steps == set(stepping.WAITS)
    assert (fresh(job).status, fresh(job).progress) == (Status.COMPLETED, 1.0)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_staff_end_in_the_middle_stops_the_render_and_leaves_no_file(submit, fresh, media):
    job = submit(prompt="[slow 300] a sea")
    thread = threading.Thread(target=lambda: (runner.run(job.id, worker="w1"), connections.close_all()))
    thread.start()
    while fresh(job).progress == 0 and thread.is_alive():
        time.sleep(0.05)
    lifecycle.fail(fresh(job), code=FailureCode.INTERNAL_ERROR, detail="stuck", actor="charlie")
    thread.join(20)
    assert not thread.is_alive()
    assert children() == []
    assert Job.objects.get(id=job.id).status == Status.FAILED
    assert not [path for path in media.rglob("*") if path.is_file()]
    assert audit.violations() == []
