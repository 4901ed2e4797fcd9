"""A provider's stand-in, a model that reaches it, and a driver in this very process."""

import io
import time

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from jobs import driver, lifecycle, uploads, upstreams
from jobs.models import Job, RemoteTask
from tests.jobs.making import order_for
from tests.remote import gates
from tests.remote.cases import CASES
from tests.remote.watching import PATIENCE, eventually


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture
def stand_in(case):
    with case.stand_in() as server:
        yield server


@pytest.fixture
def far(case, stand_in, settings, monkeypatch):
    """Return what changes the model `far`, which is made by the stand-in."""
    monkeypatch.setenv("FAR_KEY", stand_in.key)

    def change(**remote):
        entry = case.entry(stand_in)
        entry["remote"] = {**entry["remote"], "key": "FAR_KEY", "poll_seconds": 0.05, **remote}
        settings.VIDEO_MODELS = {"far": entry}

    change()
    return change


@pytest.fixture
def submit(alice, transactional_db):
    """Submit a job of Alice's for the model `far`."""

    def one(prompt="A quiet sea", **changes):
        fields = {"model": "far", "queue": "remote", "prompt": prompt, "resolution": "hd_720p", **changes}
        return lifecycle.submit(order_for(alice, **fields))

    return one


@pytest.fixture
def picture():
    """What an order with an uploaded picture has."""
    drawn = io.BytesIO()
    Image.new("RGB", (160, 90), "navy").save(drawn, "PNG")
    name = uploads.keep(ContentFile(drawn.getvalue(), name="sea.png"))
    return {"generation_type": "image_to_video", "aspect_ratio": "", "upload": name, "upload_name": "sea.png"}


@pytest.fixture(autouse=True)
def _in_time(monkeypatch):
    """A driver looks for jobs, wishes, hints and news more often, and waits longer for its threads' end."""
    monkeypatch.setattr(driver, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(driver, "CLOSING_SECONDS", PATIENCE)


@pytest.fixture
def short_pauses(monkeypatch):
    """What an account or a job waits for after a failure is shorter than it is."""
    monkeypatch.setattr(upstreams, "FIRST_PAUSE", 0.5)


@pytest.fixture
def gate(far, settings):
    """Return what shuts the gate before the submits of the model `far`."""
    shut = []

    def one():
        entry = {**settings.VIDEO_MODELS["far"], "provider": f"{gates.__name__}.Gated"}
        settings.VIDEO_MODELS = {**settings.VIDEO_MODELS, "far": entry}
        shut.append(gates.Gate())
        gates.Gated.gate = shut[-1]
        return shut[-1]

    yield one
    gates.Gated.gate = None
    for each in shut:
        each.open.set()


@pytest.fixture
def drive(far, transactional_db):
    """Start a driver; it is stopped when the test ends."""
    started = []

    def start():
        one = driver.Driver(worker=f"driver-{len(started)}", queue_name="remote")
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.abandon()
        assert one.stop(seconds=PATIENCE)


@pytest.fixture
def at_work(drive, submit):
    """Return a job that its provider is at work on."""

    def one(prompt="A quiet sea [ages]"):
        job = submit(prompt)
        drive()
        return eventually(lambda: Job.objects.filter(id=job.id, status="processing").first())

    return one


@pytest.fixture
def finish(drive):
    """Drive jobs until all have ended; return them as they are then."""

    def until(*jobs):
        drive()
        end = time.monotonic() + PATIENCE
        ids = [job.id for job in jobs]
        while Job.objects.active().filter(id__in=ids).exists():
            assert time.monotonic() < end, [*Job.objects.filter(id__in=ids).values("status", "current_step")]
            time.sleep(0.05)
        ended = [Job.objects.get(id=job_id) for job_id in ids]
        return ended if len(ended) > 1 else ended[0]

    return until


@pytest.fixture
def step(api):
    """What the API says is being done: the step, and the share."""

    def ask(job):
        told = api.get(f"/videos/jobs/{job.id}/status").json()
        return told["generation_info"]["current_step"], told["progress"]

    return ask


@pytest.fixture
def task_of(db):
    """The one submission of a job that may have been taken."""
    return lambda job: RemoteTask.objects.maybe_taken().get(job_id=job.id)
