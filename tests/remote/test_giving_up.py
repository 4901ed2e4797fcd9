"""What is known of a submission when it is given up, and of an account when it fails."""

import datetime
import uuid

import pytest
from django.db.models.functions import Now

from dust import ledger
from jobs import catalogue, lifecycle, remote_tasks, upstreams
from jobs.models import RemoteState, RemoteTask, Upstream
from jobs.providers.base import FailureCode
from jobs.providers.remote import Refused, Taken
from jobs.states import Status
from tests.remote.cases import CASES

pytestmark = pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])


@pytest.fixture
def sent(far, submit):
    """A claimed job and its submission, of which nobody has heard yet."""
    job = lifecycle.claim(submit().id, worker="w1")
    route = catalogue.get("far").adapter().route
    return job, remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)


def test_a_job_is_not_given_up_by_what_was_known_before_its_provider_answered(sent, alice):
    """Its first sender, who has lost the job since, hears at last, just when another one gives it up."""
    job, seen = sent
    before = ledger.balance(alice.pk)
    remote_tasks.taken(RemoteTask.objects.get(pk=seen.pk), Taken(remote_id="work-1"))
    assert not remote_tasks.lose(job, seen, code=FailureCode.PROVIDER_TIMEOUT, detail="never heard of")
    task = RemoteTask.objects.get(pk=seen.pk)
    assert (task.state, task.needs_review, task.closed_at) == (RemoteState.TAKEN, False, None)
    job.refresh_from_db()
    assert (job.status, ledger.balance(alice.pk)) == (Status.STARTING, before)
    assert remote_tasks.lose(job, task, code=FailureCode.PROVIDER_TIMEOUT, detail="not done in time")
    task.refresh_from_db()
    job.refresh_from_db()
    assert (job.status, task.needs_review) == (Status.FAILED, True)


def an_outage(**changes):
    return Refused(FailureCode.PROVIDER_UNAVAILABLE, "HTTP 503", **{"is_outage": True, **changes})


def test_failures_at_once_are_all_counted(far, transactional_db, together):
    together(lambda _: upstreams.failed("FAR_KEY", "far", an_outage()), range(8))
    assert Upstream.objects.get().failures == 8


def test_being_asked_to_wait_closes_an_account_without_counting_as_a_failure(far, db):
    asked = an_outage(is_outage=False, pause=30.0)
    upstreams.failed("FAR_KEY", "far", an_outage())
    upstreams.failed("FAR_KEY", "far", asked)
    later = Now() + datetime.timedelta(seconds=25)
    assert Upstream.objects.filter(failures=1, closed_until__gt=later).exists()
    upstreams.failed("OTHER_KEY", "far", asked)
    assert Upstream.objects.get(account="OTHER_KEY").failures == 1  # then one job tries it first
