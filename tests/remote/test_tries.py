"""What may go better the next time is tried again, before and after a provider has had the job."""

import asyncio
import datetime
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from django.db.models.functions import Now

from dust import ledger
from jobs import driver, errand, examiner, lifecycle
from jobs.errand import Errand
from jobs.models import Job, RemoteTask
from jobs.office import Office
from jobs.providers.base import FailureCode, ProviderError
from jobs.providers.openai_videos import OpenAIVideos
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


def fetches(stand_in):
    return sum(work.fetches for work in list(stand_in.works.values()))


def test_a_video_is_delivered_after_those_who_look_into_it_were_killed(
    examiners, drive, submit, stand_in, alice, monkeypatch
):
    monkeypatch.setattr(errand, "FETCHES", 100)  # whatever this test is held up by
    examiners(False)
    job = submit()
    drive()
    eventually(lambda: fetches(stand_in) >= 2)  # each time the one who looked died, and the next one as well
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
    examiners, drive, submit, stand_in, picture, settings
):
    settings.JOB_MAX_ATTEMPTS = 1000  # whatever this test is held up by
    examiners(False)
    job = submit(**picture)
    drive()
    eventually(lambda: job.events.filter(verb="hand_back", message__contains=DIED).exists())
    examiners(True)
    found = ended(job)
    assert found.status == "completed", found.failure_detail
    [work] = stand_in.works.values()
    assert work.image


def test_a_picture_that_ends_all_who_look_at_it_fails_its_job_after_its_last_try(
    examiners, drive, submit, stand_in, picture, settings, alice
):
    examiners(False)
    job = submit(**picture)
    drive()
    found = ended(job)
    assert (found.status, found.failure_code) == ("failed", "internal_error")
    assert found.attempt == settings.JOB_MAX_ATTEMPTS
    assert not stand_in.works
    assert ledger.balance(alice.pk).available == OPENING


def test_a_picture_that_no_look_comes_to_an_end_with_is_not_looked_at_in_another_attempt(
    drive, submit, stand_in, picture, alice, monkeypatch
):
    monkeypatch.setattr(examiner, "PATIENCE", 0.01)  # no process has even started by then
    job = submit(**picture)
    drive()
    found = ended(job)
    assert (found.status, found.failure_code, found.attempt) == ("failed", "internal_error", 1)
    assert "came to no end" in found.failure_detail
    assert not stand_in.works
    assert ledger.balance(alice.pk).available == OPENING


def test_a_video_that_no_look_comes_to_an_end_with_is_not_fetched_again(
    drive, submit, stand_in, alice, monkeypatch
):
    monkeypatch.setattr(examiner, "PATIENCE", 0.01)
    job = submit()
    drive()
    found = ended(job)
    assert (found.status, found.failure_code, fetches(stand_in)) == ("failed", "internal_error", 1)
    assert "came to no end" in found.failure_detail
    assert RemoteTask.objects.get().needs_review
    assert ledger.balance(alice.pk).available == OPENING


class Grumbling(OpenAIVideos):
    """Raises of a submission what may be tried again before one."""

    def outcome(self, handle, reply):
        raise ProviderError(FailureCode.INTERNAL_ERROR, "try me again", retryable=True)


def test_what_an_adapter_raises_of_a_submission_ends_its_job_for_review_whatever_it_says_of_another_try(
    far, drive, submit, stand_in, alice, settings
):
    settings.VIDEO_MODELS = {
        "far": {**settings.VIDEO_MODELS["far"], "provider": f"{__name__}.{Grumbling.__name__}"}
    }
    job = submit()
    drive()
    found = ended(job)
    assert (found.status, found.attempt, found.failure_detail) == ("failed", 1, "try me again")
    assert len(stand_in.works) == 1
    assert RemoteTask.objects.get().needs_review
    assert ledger.balance(alice.pk).available == OPENING


def test_an_upload_that_storage_could_not_give_is_asked_for_again(drive, submit, picture, settings):
    settings.JOB_RETRY = datetime.timedelta(hours=1)
    with default_storage.open(picture["upload"]) as upload:
        content = upload.read()
    default_storage.delete(picture["upload"])
    job = submit(**picture)
    drive()
    put_off(job)
    default_storage.save(picture["upload"], ContentFile(content))
    Job.objects.filter(id=job.id).update(woken_at=Now())
    found = ended(job)
    assert (found.status, found.attempt) == ("completed", 2), found.failure_detail


def test_a_job_that_is_wanted_no_more_when_its_picture_could_not_be_looked_at_is_not_tried_again(
    examiners, drive, submit, stand_in, picture, settings, api, alice
):
    settings.CANCEL_RUNNING = True
    settings.JOB_RETRY = datetime.timedelta(hours=1)
    path = Path(default_storage.path(picture["upload"]))
    path.unlink()
    os.mkfifo(path)  # reading it takes until somebody writes
    examiners(False)
    job = submit(**picture)
    drive()
    eventually(lambda: Job.objects.filter(id=job.id, status="starting").exists())
    assert api.delete(f"/videos/jobs/{job.id}").status_code == 202
    with path.open("wb") as upload:
        upload.write(b"a picture")
    assert ended(job).status == "cancelled"
    assert list(job.events.order_by("id").values_list("verb", flat=True)) == [
        *("submit", "claim", "ask_to_cancel", "stop")
    ]
    assert not stand_in.works
    assert ledger.balance(alice.pk).available == OPENING


class Meanwhile(ThreadPoolExecutor):
    """One thread, and what is done when its work is done, before anybody hears of it."""

    def __init__(self, do):
        super().__init__(1)
        self.do = do

    def submit(self, work):
        def both():
            try:
                return work()
            finally:
                connections.close_all()
                self.do()

        return super().submit(both)


def test_a_job_that_is_taken_again_during_a_renewal_is_not_dropped_for_the_hold_that_was_lost(far, submit):
    job = lifecycle.claim(submit().id, worker="w1")
    one = driver.Driver(worker="w1", queue_name="remote")
    nobody = dict.fromkeys(("wire", "desk", "store", "pictures", "porters"))

    async def renew():
        def take_again():
            one._held[job.id] = again

        first, second = (asyncio.create_task(asyncio.sleep(3600)) for _ in range(2))
        again = (None, second)
        with Meanwhile(take_again) as watch:
            office = Office(**nobody, watch=watch, examiners=[])
            one._held[job.id] = (Errand(job, office), first)
            await one._renew(office)
        assert one._held == {job.id: again}
        assert not second.cancelling()
        first.cancel()
        second.cancel()

    lifecycle.hand_back(job, code=FailureCode.INTERNAL_ERROR, detail="another attempt is to be made")
    asyncio.run(renew())
