"""A user cancels a running job: its provider is asked, and what it says decides the end and the money."""

import datetime
import uuid

import pytest
from django.db.models import F
from django.db.models.functions import Now

from dust import audit, ledger
from dust.models import Transfer
from jobs import catalogue, errand, lifecycle, remote_tasks, submitting, withdrawal
from jobs.models import Job, RemoteState, RemoteTask
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import PATIENCE, ended, eventually, put_off

pytestmark = pytest.mark.slow

ABLE = pytest.mark.parametrize(
    "case", [case for case in CASES if case.cancels], indirect=True, ids=lambda case: case.name
)
ONE = pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])
RUNWAY = pytest.mark.parametrize("case", [CASES[1]], indirect=True, ids=["runway"])


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.CANCEL_RUNNING = True


@pytest.fixture
def cancel(api):
    """Send the DELETE, which must be accepted; return the answer."""

    def send(job):
        answer = api.delete(f"/videos/jobs/{job.id}")
        assert answer.status_code == 202, answer.content
        return answer.json()

    return send


def kinds(job):
    return list(Transfer.objects.filter(job_id=job.id).order_by("seq").values_list("kind", flat=True))


def story(job):
    return list(job.events.order_by("id").values_list("verb", flat=True))


def is_cancel(asked):
    return asked.path.endswith("/cancel") or asked.method == "DELETE"


def asked_to_cancel(stand_in):
    return [path for method, path in stand_in.asked if path.endswith("/cancel") or method == "DELETE"]


@ABLE
def test_what_the_provider_stops_is_cancelled_and_refunded(at_work, cancel, stand_in, alice, task_of):
    hold = stand_in.hold(is_cancel, before=True)  # the answer is written after the wish is on record
    job = at_work()
    answer = cancel(job)
    hold.release()
    assert (answer["status"], answer["generation_info"]["current_step"]) == ("processing", "cancelling")
    job = ended(job)
    assert (job.status, job.dust, job.current_step) == ("cancelled", "refunded", "Cancelled")
    assert [work.is_cancelled for work in stand_in.works.values()] == [True]
    assert kinds(job) == ["hold", "post", "reverse"]
    assert ledger.balance(alice.pk).available == OPENING
    assert story(job) == ["submit", "claim", "accept", "ask_to_cancel", "withdraw", "stop"]
    task = task_of(job)
    assert (task.state, task.needs_review, task.look_at) == (RemoteState.NOT_MADE, False, None)
    assert task.closed_at is not None
    assert audit.violations() == []


@ONE
def test_asking_again_changes_nothing_and_has_the_same_answer(at_work, cancel, stand_in):
    hold = stand_in.hold(is_cancel, before=True)
    job = at_work()
    eventually(lambda: Job.objects.filter(id=job.id, progress=0.5).exists())  # and there such work stays
    first = cancel(job)
    eventually(hold.reached.is_set)
    again = cancel(job)
    for answer in (first, again):  # but for what goes on meanwhile
        del answer["updated_at"], answer["generation_info"]["estimated_remaining_seconds"]
    assert first == again
    hold.release()
    assert story(ended(job)).count("ask_to_cancel") == 1


@ONE
def test_a_cancelled_one_is_answered_as_any_other_that_is_cancelled(at_work, cancel, api):
    job = at_work()
    cancel(job)
    ended(job)
    answer = api.delete(f"/videos/jobs/{job.id}")
    assert (answer.status_code, answer.json()["status"], answer.json()["released"]) == (
        200,
        "cancelled",
        PRICE,
    )
    assert answer.json()["message"] == "The job was cancelled and 10 DUST refunded."


@ONE
def test_a_video_that_is_made_all_the_same_is_delivered_and_charged(at_work, cancel, stand_in, alice):
    stand_in.takes = 3600.0
    hold = stand_in.hold(is_cancel, before=True)
    job = at_work("A quiet sea")
    cancel(job)
    eventually(hold.reached.is_set)
    stand_in.end_works()
    hold.release()
    job = ended(job)
    assert (job.status, job.dust) == ("completed", "charged")
    assert ledger.balance(alice.pk).available == OPENING - PRICE
    assert audit.violations() == []


@ONE
def test_work_that_fails_meanwhile_has_failed(at_work, cancel, stand_in, alice):
    stand_in.takes = 3600.0
    stand_in.cancel = lambda asked, work_id: Answer(409, {"error": {"code": "video_not_cancellable"}})
    job = at_work("A quiet sea [fail]")
    cancel(job)
    eventually(lambda: asked_to_cancel(stand_in))
    stand_in.end_works()
    job = ended(job)
    assert (job.status, kinds(job)) == ("failed", ["hold", "post", "reverse"])
    assert asked_to_cancel(stand_in) == [f"/v1/videos/{work_id}/cancel" for work_id in stand_in.works]  # once


@ONE
def test_what_is_not_confirmed_in_time_goes_on(at_work, cancel, stand_in, settings, api, alice):
    settings.CANCEL_PATIENCE = datetime.timedelta(seconds=0.5)
    stand_in.takes = 3600.0
    stand_in.cancel = lambda asked, work_id: Answer(200, stand_in.shown(stand_in.works[work_id]))
    job = at_work("A quiet sea")
    cancel(job)
    eventually(lambda: "go_on" in story(job))
    step = api.get(f"/videos/jobs/{job.id}/status").json()["generation_info"]["current_step"]
    assert step != "cancelling"
    assert "Asked last, it said: HTTP 200." in job.events.get(verb="go_on").message
    cancel(job)  # a wish of its own
    assert story(job).count("ask_to_cancel") == 2
    stand_in.end_works()
    job = ended(job)
    assert (job.status, job.dust) == ("completed", "charged")


@ONE
def test_how_seldom_a_provider_is_asked_does_not_delay_what_becomes_of_a_cancel(
    far, at_work, cancel, stand_in, settings, monkeypatch
):
    monkeypatch.setattr(errand, "LONGEST_WITH_A_WISH", 0.5)
    far(poll_seconds=3600.0)
    settings.CANCEL_PATIENCE = datetime.timedelta(seconds=1)
    stand_in.cancel = lambda asked, work_id: Answer(200, stand_in.shown(stand_in.works[work_id]))
    job = at_work()
    cancel(job)
    eventually(lambda: "go_on" in story(job))


@ONE
def test_what_is_confirmed_after_its_time_is_cancelled_all_the_same(
    at_work, cancel, stand_in, settings, alice
):
    settings.CANCEL_PATIENCE = datetime.timedelta(seconds=0.3)
    stand_in.cancel = lambda asked, work_id: Answer(200, stand_in.shown(stand_in.works[work_id]))
    job = at_work()
    cancel(job)
    eventually(lambda: "go_on" in story(job))
    [work] = stand_in.works.values()
    work.is_cancelled = True
    assert ended(job).status == "cancelled"
    assert ledger.balance(alice.pk).available == OPENING


@ONE
def test_who_does_not_answer_is_asked_again(at_work, cancel, stand_in, monkeypatch):
    monkeypatch.setattr(withdrawal, "FIRST_PAUSE", 0.1)
    there, answers = stand_in.cancel, [Answer(503, b"")]
    stand_in.cancel = lambda asked, work_id: answers.pop() if answers else there(asked, work_id)
    job = at_work()
    cancel(job)
    job = ended(job)
    assert (job.status, len(asked_to_cancel(stand_in))) == ("cancelled", 2)
    assert [line.message for line in job.events.filter(verb="withdraw").order_by("id")] == [
        "far was asked to cancel it: HTTP 503",
        "far was asked to cancel it: HTTP 200",
    ]


@RUNWAY
def test_who_forgets_what_it_has_agreed_to_cancel_has_cancelled_it(at_work, cancel, stand_in, alice):
    """As theirs is documented to do."""

    def forget(asked, work_id):
        del stand_in.works[work_id]
        return Answer(204)

    stand_in.delete = forget
    job = at_work()
    cancel(job)
    assert ended(job).status == "cancelled"
    assert ledger.balance(alice.pk).available == OPENING


@RUNWAY
@pytest.mark.parametrize("before", [True, False], ids=["it says so", "it was at work when it was asked"])
def test_finished_work_is_never_asked_to_be_cancelled(before, drive, submit, cancel, stand_in):
    """There that would have the video deleted."""
    stand_in.takes = 3600.0
    hold = stand_in.hold(lambda asked: asked.method == "GET" and "/tasks/" in asked.path, before=before)
    job, one = submit(), drive()
    eventually(hold.reached.is_set)
    stand_in.end_works()
    cancel(job)
    eventually(lambda: [each.withdrawal.is_wished for each, _ in one._held.values()] == [True])
    hold.release()
    assert ended(job).status == "completed"
    assert asked_to_cancel(stand_in) == []


@ONE
def test_a_job_that_waits_for_a_provider_that_is_down_is_cancelled_without_a_submit(
    drive, submit, cancel, stand_in, alice
):
    stand_in.stop_listening()
    job = submit()
    drive()
    put_off(job)
    cancel(job)
    job = ended(job)
    assert (job.status, kinds(job)) == ("cancelled", ["hold", "post", "reverse"])
    assert stand_in.works == {}
    assert not RemoteTask.objects.open().exists()


@ONE
def test_a_job_that_is_being_prepared_is_cancelled_without_a_submit(gate, drive, submit, cancel, stand_in):
    shut, job = gate(), submit()
    drive()
    eventually(shut.reached.is_set)
    cancel(job)
    shut.open.set()
    assert ended(job).status == "cancelled"
    assert stand_in.works == {}


@ONE
def test_the_intent_refuses_what_is_no_longer_wanted(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route, key = catalogue.get("far").adapter().route, uuid.uuid4()
    lifecycle.ask_to_cancel(Job.objects.get(id=job.id))
    with pytest.raises(remote_tasks.Unwanted):
        remote_tasks.intend(job, route, key=key, in_flight=10)
    assert not RemoteTask.objects.exists()
    assert remote_tasks.stop_unsent(job)
    assert Job.objects.get(id=job.id).status == "cancelled"


@ONE
def test_an_intent_whose_commit_was_answered_too_late_is_not_sent_any_more(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route, key = catalogue.get("far").adapter().route, uuid.uuid4()
    remote_tasks.intend(job, route, key=key, in_flight=10)
    lifecycle.ask_to_cancel(Job.objects.get(id=job.id))
    with pytest.raises(remote_tasks.Unwanted):
        remote_tasks.intend(job, route, key=key, in_flight=10)
    assert remote_tasks.stop_unsent(job)
    assert RemoteTask.objects.get().state == RemoteState.REFUSED


@ONE
def test_what_a_provider_may_have_is_not_ended_as_unsent(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    remote_tasks.intend(job, catalogue.get("far").adapter().route, key=uuid.uuid4(), in_flight=10)
    lifecycle.ask_to_cancel(Job.objects.get(id=job.id))
    assert not remote_tasks.stop_unsent(job)
    assert Job.objects.get(id=job.id).status == "starting"


@ONE
def test_another_worker_takes_the_wish_over(far, drive, submit, cancel, stand_in, alice):
    job = submit("A quiet sea [ages]")
    first = drive()
    eventually(lambda: Job.objects.filter(id=job.id, status="processing").exists())
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    cancel(job)
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    drive()
    job = ended(job)
    assert (job.status, job.attempt) == ("cancelled", 2)
    assert ledger.balance(alice.pk).available == OPENING


@ONE
def test_a_wish_about_a_lost_reply_waits_until_it_is_known_who_has_it(
    far, drive, submit, cancel, alice, monkeypatch
):
    """Nothing is known to be cancelled, so nothing is said to be."""
    far(unknown_seconds=600.0)
    monkeypatch.setattr(submitting, "FIRST_LOOK", 0.1)
    job = submit("A quiet sea [lost]")
    drive()
    eventually(lambda: RemoteTask.objects.filter(state=RemoteState.UNKNOWN).exists())
    cancel(job)
    RemoteTask.objects.update(intended_at=F("intended_at") - datetime.timedelta(seconds=600))
    job = ended(job)
    assert (job.status, kinds(job)) == ("failed", ["hold", "post", "reverse"])
    assert RemoteTask.objects.to_review().get().job_id == job.id


@ONE
def test_who_cannot_be_asked_keeps_its_jobs(far, settings, at_work, api, stand_in):
    settings.VIDEO_MODELS = {"far": {**settings.VIDEO_MODELS["far"], "options": {}}}
    answer = api.delete(f"/videos/jobs/{at_work().id}")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "job_not_cancellable")


@ONE
def test_what_went_to_one_that_cannot_be_asked_is_not_cancelled(far, settings, submit, api):
    """Whatever the model that the user has named could do."""
    settings.VIDEO_MODELS = {
        **settings.VIDEO_MODELS,
        "farther": {**settings.VIDEO_MODELS["far"], "options": {}},
    }
    job = lifecycle.claim(submit().id, worker="w1")
    assert api.delete(f"/videos/jobs/{job.id}").status_code == 202
    other = lifecycle.claim(submit().id, worker="w1")
    route = catalogue.get("farther").adapter().route
    remote_tasks.intend(other, route, key=uuid.uuid4(), in_flight=10)
    assert api.delete(f"/videos/jobs/{other.id}").status_code == 409


@ONE
def test_where_the_installation_does_not_allow_it_nothing_is_asked(at_work, settings, api, stand_in):
    settings.CANCEL_RUNNING = False
    job = at_work()
    assert api.delete(f"/videos/jobs/{job.id}").status_code == 409
    assert not Job.objects.unwanted().exists()
    assert Job.objects.filter(id=job.id, cancel_requested_at__lt=Now()).count() == 0
