"""What the driver does whatever the protocol: limits, outages, other providers, leaving, coming back."""

import asyncio
import datetime
import threading
import time
import uuid

import pytest
from django.db.models import F
from django.db.models.functions import Now

from dust import ledger
from jobs import catalogue, lifecycle, remote_tasks, upstreams, wire
from jobs.models import Job, RemoteState, RemoteTask, Upstream
from jobs.providers.base import FailureCode
from jobs.providers.remote import Request
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.server import Answer

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]

PATIENCE = 20.0


def eventually(true):
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def states(job):
    return list(RemoteTask.objects.filter(job_id=job.id).order_by("id").values_list("state", flat=True))


def test_no_more_jobs_are_at_the_provider_than_its_account_allows(far, finish, submit, stand_in):
    far(in_flight=2)
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.01):
            most[0] = max(most[0], sum(work.share < 1 for work in list(stand_in.works.values())))

    watching = threading.Thread(target=watch)
    watching.start()
    jobs = finish(*(submit(f"Wave {number}") for number in range(6)))
    done.set()
    watching.join()
    assert [job.status for job in jobs] == ["completed"] * 6
    assert 1 <= most[0] <= 2


def test_jobs_wait_queued_while_a_provider_is_down_and_go_on_by_themselves(
    far, finish, drive, submit, stand_in, api, alice
):
    stand_in.stop_listening()
    jobs = [submit("Wave 0")]
    one = drive()
    eventually(lambda: Upstream.objects.filter(failures__gt=1).exists())
    jobs += [submit(f"Wave {number}") for number in range(1, 5)]
    one.wake()
    time.sleep(1.5)
    assert Job.objects.queued().count() == 4  # one tries for all
    waiting = Job.objects.queued().last()
    eventually(
        lambda: (
            api.get(f"/videos/jobs/{waiting.id}/status").json()["generation_info"]["current_step"]
            == upstreams.DOWN
        )
    )
    stand_in.listen_again()
    Upstream.objects.update(closed_until=F("changed_at"))  # the pause, that a person would sit out
    ended = finish(*jobs)
    assert [job.status for job in ended] == ["completed"] * 5
    assert [stand_in.submits_of(job.prompt) for job in jobs] == [1] * 5
    assert ledger.balance(alice.pk).available == OPENING - 5 * PRICE
    assert not Upstream.objects.filter(failures__gt=0).exists()


def test_another_provider_is_asked_when_the_first_has_certainly_not_taken_it(
    case, settings, finish, submit, stand_in, far, alice
):
    first = {**settings.VIDEO_MODELS["far"]}
    with OpenAIStandIn() as other:
        second = case.entry(other)
        second["remote"] = {**second["remote"], "key": "FAR_KEY", "poll_seconds": 0.05, "account": "other"}
        settings.VIDEO_MODELS = {
            "far": {**first, "remote": {**first["remote"], "fallback": ["farther"]}},
            "farther": {**second, "is_listed": False},
        }
        job = finish(submit(prompt := "A quiet sea [refuse]"))
        assert (job.status, job.failure_code) == ("failed", FailureCode.PROVIDER_REJECTED)
        assert states(job) == ["refused", "refused"]
        stand_in.stop_listening()
        job = finish(submit("A quiet sea"))
        assert (job.status, job.model) == ("completed", "far")
        assert RemoteTask.objects.maybe_taken().get(job_id=job.id).model == "farther"
        assert (other.submits_of("A quiet sea"), stand_in.submits_of(prompt)) == (1, 0)
    assert ledger.balance(alice.pk).available == OPENING - PRICE  # the same price to the user


def test_a_moderated_request_is_not_offered_to_another(case, settings, finish, submit, stand_in, far):
    first = {**settings.VIDEO_MODELS["far"]}
    remote = {**first["remote"], "fallback": ["farther"]}
    settings.VIDEO_MODELS = {"far": {**first, "remote": remote}, "farther": first}
    job = finish(submit("A quiet sea [moderate]"))
    assert (job.failure_code, states(job)) == (FailureCode.CONTENT_REJECTED, ["refused"])


def test_a_second_submission_cannot_even_be_intended(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route = catalogue.get("far").adapter().route
    remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)
    with pytest.raises(Exception, match=r"remotetask_paid_for_once|UNIQUE"):
        remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)


def test_another_worker_goes_on_where_one_was_lost_without_a_second_submit(
    far, finish, drive, submit, stand_in, alice
):
    stand_in.takes = 3.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    held = Job.objects.get(id=job.id)
    assert lifecycle.reap(held, is_dead=True)
    ended = finish(job)
    assert (ended.status, ended.attempt, stand_in.submits_of(job.prompt)) == ("completed", 2, 1)
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_a_taken_job_does_not_run_out_of_attempts(far, settings, drive, submit, stand_in):
    settings.JOB_MAX_ATTEMPTS = 1
    stand_in.takes = 60.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    assert Job.objects.get(id=job.id).status == "starting"


def test_work_that_comes_to_no_end_is_given_up_refunded_and_shown_to_staff(
    far, settings, finish, submit, stand_in, alice
):
    settings.VIDEO_MODELS = {"far": {**settings.VIDEO_MODELS["far"], "timeout_seconds": 1}}
    job = finish(submit("A quiet sea [ages]"))
    assert (job.status, job.failure_code) == ("failed", FailureCode.PROVIDER_TIMEOUT)
    assert ledger.balance(alice.pk).available == OPENING
    assert RemoteTask.objects.to_review().get().job_id == job.id


def test_work_that_is_given_up_is_cancelled_at_the_provider(far, settings, finish, submit, stand_in):
    entry = settings.VIDEO_MODELS["far"]
    settings.VIDEO_MODELS = {"far": {**entry, "timeout_seconds": 1, "options": {"cancel": True}}}
    job = finish(submit("A quiet sea [ages]"))
    [work] = stand_in.works.values()
    assert work.is_cancelled
    assert job.events.get(verb="withdraw").message == "far was asked to cancel it: HTTP 200"


def test_the_key_goes_to_nobody_but_the_provider(far, finish, submit, stand_in):
    finish(submit())
    assert stand_in.works[next(iter(stand_in.works))].headers["authorization"] == f"Bearer {stand_in.key}"
    route = catalogue.get("far").adapter().route
    assert route.owns(f"{stand_in.origin}/v1/videos/7")
    assert not route.owns("https://elsewhere.example/v1/videos/7")
    assert not route.owns(f"{stand_in.origin}.elsewhere.example/v1")


def test_progress_comes_from_the_provider(far, drive, submit, stand_in, api):
    stand_in.takes = 4.0
    job = submit()
    drive()
    eventually(lambda: Job.objects.get(id=job.id).progress >= 0.3)
    assert Job.objects.get(id=job.id).current_step == "in_progress"


def test_a_driver_that_is_to_stop_finishes_what_it_has_and_takes_nothing_more(far, drive, submit, stand_in):
    stand_in.takes = 1.0
    one = drive()
    job = submit()
    one.wake()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    later = []
    stopping = threading.Thread(target=lambda: later.append(one.stop(seconds=PATIENCE)))
    stopping.start()
    other = submit("Another sea")
    stopping.join()
    assert later == [True]
    assert Job.objects.get(id=job.id).status == "completed"
    assert Job.objects.get(id=other.id).status == "queued"


def test_a_full_account_does_not_keep_its_own_jobs_from_another_worker(far, finish, drive, submit, stand_in):
    """They fill it; who is to free it must have them."""
    far(in_flight=1)
    stand_in.takes = 3.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    other = submit("Another sea")
    assert [ended.status for ended in finish(job, other)] == ["completed"] * 2
    assert not RemoteTask.objects.open().exists()


def test_a_provider_that_is_ill_is_asked_once_in_a_while_and_the_others_wait(
    far, drive, finish, submit, stand_in, alice
):
    far(unknown_seconds=2.0)
    stand_in.is_ill = True
    jobs = [submit(f"Wave {number}") for number in range(6)]
    drive()
    eventually(lambda: RemoteTask.objects.filter(state=RemoteState.UNKNOWN).exists())
    time.sleep(1.5)
    assert len(stand_in.asked) <= 3
    stand_in.is_ill = False
    ended = finish(*jobs)
    lost = RemoteTask.objects.to_review().count()  # these may have been taken, for all we know
    assert 1 <= lost <= 3
    assert [job.status for job in ended].count("completed") == 6 - lost
    assert ledger.balance(alice.pk).available == OPENING - (6 - lost) * PRICE


def test_jobs_that_wait_for_a_provider_that_is_down_go_to_the_one_it_falls_back_to(
    case, settings, finish, submit, stand_in, far
):
    Upstream.objects.create(account="FAR_KEY", failures=5, closed_until=Now() + datetime.timedelta(hours=1))
    first = {**settings.VIDEO_MODELS["far"]}
    with OpenAIStandIn() as other:
        second = case.entry(other)
        second["remote"] = {**second["remote"], "key": "FAR_KEY", "poll_seconds": 0.05, "account": "other"}
        remote = {**first["remote"], "fallback": ["farther"]}
        settings.VIDEO_MODELS = {"far": {**first, "remote": remote}, "farther": second}
        jobs = finish(*(submit(f"Wave {number}") for number in range(4)))
        assert [job.status for job in jobs] == ["completed"] * 4
        assert (len(other.works), len(stand_in.works)) == (4, 0)


def test_no_more_are_claimed_than_may_be_submitted(far, drive, submit, stand_in):
    far(in_flight=2)
    stand_in.takes = 60.0
    for number in range(8):
        submit(f"Wave {number}")
    drive()
    eventually(lambda: len(stand_in.works) == 2)
    time.sleep(2.5)
    assert Job.objects.queued().count() == 6  # held, not charged, and theirs to cancel


def test_who_fails_a_job_at_a_provider_leaves_it_to_be_looked_up(far, drive, submit, stand_in):
    stand_in.takes = 60.0
    job = submit()
    drive()
    eventually(lambda: Job.objects.get(id=job.id).status == "processing")
    lifecycle.fail(Job.objects.get(id=job.id), code=FailureCode.INTERNAL_ERROR, detail="staff", actor="sam")
    task = RemoteTask.objects.get(job_id=job.id)
    assert (task.state, task.needs_review) == (RemoteState.TAKEN, True)
    assert task.closed_at is not None


def test_an_answer_that_never_ends_is_given_up(case, stand_in):
    stand_in.hold(lambda asked: True)

    async def ask():
        async with wire.Wire(connections=1) as line:
            await line.ask(Request(method="GET", url=stand_in.base_url), timeout=0.3)

    with pytest.raises(wire.NoReply):
        asyncio.run(ask())
    dripping = Answer(200, b" " * 10_000, drip=0.1)
    stand_in.holds.clear()
    stand_in.routes = lambda: [("GET", "/v1", lambda asked: dripping)]
    began = time.monotonic()
    stand_in.is_let_in = lambda asked: True
    with pytest.raises(wire.NoReply):
        asyncio.run(ask())
    assert time.monotonic() - began < 2


def test_a_file_that_has_moved_within_the_providers_server_is_followed(far, finish, submit, stand_in):
    there = stand_in.content

    def content(asked, work_id):
        moved = "moved" in asked.query
        return there(asked, work_id) if moved else Answer(302, b"", {"location": f"content?moved={work_id}"})

    stand_in.content = content
    assert finish(submit()).status == "completed"
