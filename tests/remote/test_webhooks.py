"""A provider's webhook ends the wait for the next poll. What it says changes nothing, nor does its loss."""

import pytest
from django.utils.module_loading import import_string

from jobs import bell
from jobs.callbacks import links, published
from jobs.models import Job, RemoteTask
from jobs.providers.remote import Webhook
from tests.remote.cases import CASES
from tests.remote.watching import ended, eventually

FAR_OFF = 3600.0  # seconds: no poll but the first comes within a test


def webhook_of(case):
    return import_string(case.provider).capabilities.webhook


CALLING = [case for case in CASES if webhook_of(case) is not Webhook.NONE]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CALLING, indirect=True, ids=lambda c: c.name)]


@pytest.fixture
def called(case, far, stand_in, live_server, settings, monkeypatch):
    """Return what changes the model `far`, whose provider can call back."""
    published.forget()
    monkeypatch.setenv("FAR_WEBHOOK_SECRET", stand_in.webhook_secret)
    settings.PUBLIC_URL = "https://videos.example.org"
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{stand_in.port}"]
    monkeypatch.setattr(bell, "FIRST_PAUSE", 0.1)
    stand_in.takes = 3600.0
    stand_in.hears = live_server.url
    stand_in.entered = links.of_account("far")

    def change(**remote):
        name = "FAR_WEBHOOK_SECRET" if webhook_of(case) is Webhook.SECRET else ""
        far(webhook=name, **remote)
        entry = settings.VIDEO_MODELS["far"]
        options = {**entry["options"], "jwks": f"{stand_in.origin}/.well-known/jwks.json"}
        options.pop("callback", None)  # an address of the operator's own comes before ours
        settings.VIDEO_MODELS = {"far": {**entry, "options": options}}

    return change


def polled(stand_in, times):
    """Wait until its one work was asked about so often; return it."""
    return eventually(lambda: next((work for work in stand_in.works.values() if work.polls >= times), None))


def test_a_job_is_done_soon_after_its_provider_has_called(called, at_work, stand_in):
    called(poll_seconds=FAR_OFF)
    calls = len(stand_in.calls_when)
    job = at_work("A quiet sea")
    work = polled(stand_in, calls)  # at once, and for each call but the last
    stand_in.end_works()
    job = ended(job)
    assert job.status == "completed", job.failure_detail
    assert eventually(lambda: len(stand_in.told) == calls and set(stand_in.told)) == {200}
    assert work.polls <= 4
    assert not RemoteTask.objects.exclude(hinted_at=None).exists()


def test_a_webhook_that_lies_costs_one_poll_and_the_job_goes_on(called, at_work, stand_in):
    called(poll_seconds=FAR_OFF)
    stand_in.calls_when = ("lies", "ends")
    job = at_work("A quiet sea")
    work = polled(stand_in, 2)
    assert eventually(lambda: stand_in.told) == [200]
    stand_in.end_works()
    job = ended(job)
    assert (job.status, work.polls) == ("completed", 3), job.failure_detail


def test_a_webhook_that_is_lost_is_not_missed(called, at_work, stand_in):
    called(poll_seconds=0.5)
    stand_in.calls_when = ()
    job = at_work("A quiet sea")
    polled(stand_in, 1)
    stand_in.end_works()
    assert ended(job).status == "completed"
    assert stand_in.told == []


def test_a_webhook_that_is_not_the_providers_is_not_heeded(called, case, at_work, stand_in, task_of):
    if webhook_of(case) is Webhook.ADDRESS:
        pytest.skip("there is nothing but the address to tell it by")
    called(poll_seconds=FAR_OFF)
    stand_in.webhook_secret = "whsec_" + "A" * 44
    stand_in.publishes = []
    job = at_work("A quiet sea")
    work = polled(stand_in, 1)
    stand_in.end_works()
    assert eventually(lambda: stand_in.told) == [404]
    assert task_of(job).hinted_at is None
    assert (Job.objects.get(id=job.id).status, work.polls) == ("processing", 1)
