"""What may go better the next time is tried again, before and after a provider has had the job."""

import datetime
import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from PIL import Image

from dust import ledger
from jobs import errand, uploads
from jobs.models import Job, RemoteTask
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.watching import ended, eventually, put_off

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]

DIED = "The process that looked into the file died"


@pytest.fixture(autouse=True)
def _in_a_moment(settings):
    settings.JOB_RETRY = datetime.timedelta(0)


@pytest.fixture
def examiners(monkeypatch):
    """Have examining processes die at their start, as if somebody killed each; or live again."""

    def live(do):
        monkeypatch.setenv("PYTHONUTF8", "1" if do else "neither")  # else no Python starts

    yield live
    live(True)


@pytest.fixture
def drawn(transactional_db):
    """An order with an uploaded picture."""
    content = io.BytesIO()
    Image.new("RGB", (160, 90), "navy").save(content, "PNG")
    name = uploads.keep(ContentFile(content.getvalue(), name="sea.png"))
    return {"generation_type": "image_to_video", "aspect_ratio": "", "upload": name, "upload_name": "sea.png"}


def fetches(stand_in):
    return sum(work.fetches for work in stand_in.works.values())


def test_a_video_is_delivered_after_those_who_look_into_it_were_killed(
    examiners, drive, submit, stand_in, alice, monkeypatch
):
    monkeypatch.setattr(errand, "FETCHES", 100)  # whatever this test is held up by
    examiners(False)
    job = submit()
    drive()
    eventually(lambda: fetches(stand_in) == 2)  # each time the one who looked died, and the next one as well
    examiners(True)
    found = ended(job)
    assert (found.status, found.attempt) == ("completed", 1), found.failure_detail
    assert len(stand_in.works) == 1
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_a_video_that_ends_all_who_look_into_it_fails_its_job_for_review_and_is_refunded(
    examiners, drive, submit, stand_in, alice, monkeypatch
):
    monkeypatch.setattr(errand, "FETCHES", 2)
    examiners(False)
    job = submit()
    drive()
    found = ended(job)
    assert (found.status, found.failure_code) == ("failed", "provider_unavailable")
    assert DIED in found.failure_detail
    assert fetches(stand_in) == 2
    assert RemoteTask.objects.get().needs_review
    assert ledger.balance(alice.pk).available == OPENING


def test_a_picture_is_looked_at_again_after_those_who_looked_were_killed(
    examiners, drive, submit, stand_in, drawn, settings
):
    settings.JOB_MAX_ATTEMPTS = 1000  # whatever this test is held up by
    examiners(False)
    job = submit(**drawn)
    drive()
    eventually(lambda: job.events.filter(verb="hand_back", message__contains=DIED).exists())
    examiners(True)
    found = ended(job)
    assert found.status == "completed", found.failure_detail
    [work] = stand_in.works.values()
    assert work.image


def test_a_picture_that_ends_all_who_look_at_it_fails_its_job_after_its_last_try(
    examiners, drive, submit, stand_in, drawn, settings, alice
):
    examiners(False)
    job = submit(**drawn)
    drive()
    found = ended(job)
    assert (found.status, found.failure_code) == ("failed", "internal_error")
    assert found.attempt == settings.JOB_MAX_ATTEMPTS
    assert not stand_in.works
    assert ledger.balance(alice.pk).available == OPENING


def test_an_upload_that_storage_could_not_give_is_asked_for_again(drive, submit, drawn, settings):
    settings.JOB_RETRY = datetime.timedelta(hours=1)
    with default_storage.open(drawn["upload"]) as upload:
        content = upload.read()
    default_storage.delete(drawn["upload"])
    job = submit(**drawn)
    drive()
    put_off(job)
    default_storage.save(drawn["upload"], ContentFile(content))
    Job.objects.filter(id=job.id).update(woken_at=Now())
    found = ended(job)
    assert (found.status, found.attempt) == ("completed", 2), found.failure_detail
