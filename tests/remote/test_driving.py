"""What the driver does whatever the protocol: limits, outages, other providers, leaving, coming back."""

import asyncio
import contextlib
import dataclasses
import datetime
import itertools
import threading
import time
import uuid

import pytest
from django.db.models import F
from django.db.models.functions import Now

from dust import ledger
from jobs import catalogue, driver, errand, lifecycle, remote_tasks, upstreams, wire
from jobs.models import Job, RemoteState, RemoteTask, Upstream
from jobs.providers.base import FailureCode
from jobs.providers.remote import Refused, Request
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import PATIENCE, eventually, put_off, states

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]


def test_no_more_jobs_are_at_the_provider_than_its_account_allows(far, finish, submit, stand_in):
    far(in_flight=2)
    jobs = finish(*(submit(f"Wave {number}") for number in range(6)))
    assert [job.status for job in jobs] == ["completed"] * 6
    works = stand_in.works.values()
    changes = sorted([(work.since, 1) for work in works] + [(work.since + work.takes, -1) for work in works])
    assert 1 <= max(itertools.accumulate(change for _, change in changes)) <= 2


def test_jobs_wait_queued_while_a_provider_is_down_and_go_on_by_themselves(
    far, finish, drive, submit, stand_in, api, alice, short_pauses
):
    stand_in.stop_listening()
    jobs = [submit("Wave 0")]
    drive()
    down = Upstream.objects.filter(failures__gt=1)
    eventually(lambda: down.update(closed_until=Now() + datetime.timedelta(hours=1)))
    put_off(jobs[0])
    jobs += [submit(f"Wave {number}") for number in range(1, 5)]
    time.sleep(3 * driver.LOOK_SECONDS)
    assert Job.objects.queued().count() == 4  # one tries for all
    waiting = Job.objects.queued().last()
    eventually(
        lambda: (
            api.get(f"/videos/jobs/{waiting.id}/status").json()["generation_info"]["current_step"]
            == upstreams.DOWN
        )
    )
    stand_in.listen_again()
    Upstream.objects.update(closed_until=F("changed_at"))  # the pauses, that a person would sit out
    Job.objects.filter(id=jobs[0].id).update(woken_at=Now())
    assert [job.status for job in finish(*jobs)] == ["completed"] * 5
    assert [stand_in.submits_of(job.prompt) for job in jobs] == [1] * 5
    assert ledger.balance(alice.pk).available == OPENING - 5 * PRICE
    assert not Upstream.objects.filter(failures__gt=0).exists()


def test_another_provider_is_asked_when_the_first_has_certainly_not_taken_it(
    case, settings, finish, submit, stand_in, far, api, alice
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
        assert (job.status, job.model, job.made_by) == ("completed", "far", "farther")
        told = dict(job.events.filter(verb__in=("fall_back", "accept")).values_list("verb", "message"))
        assert told == {
            "fall_back": "far has not taken it; offered to farther",
            "accept": "farther",
        }
        for path in ("status", "result"):
            answer = api.get(f"/videos/jobs/{job.id}/{path}").json()
            assert answer["generation_info"]["model_used"] == "farther"
        assert answer["video"]["model_used"] == "farther"
        assert RemoteTask.objects.maybe_taken().get(job_id=job.id).model == "farther"
        assert (other.submits_of("A quiet sea"), stand_in.submits_of(prompt)) == (1, 0)
    assert ledger.balance(alice.pk).available == OPENING - PRICE  # the same price to the user


@pytest.fixture
def falls_back(case, far, settings):
    """Return what makes `far` fall back to a model `farther` of another account, and gives its server."""
    with contextlib.ExitStack() as stack:

        def one(refusal=None):
            other = stack.enter_context(OpenAIStandIn())
            if refusal:
                other.create = lambda asked: other.refusal(*refusal)
            first, second = settings.VIDEO_MODELS["far"], case.entry(other)
            second["remote"] = {**second["remote"], "key": "FAR_KEY", "poll_seconds": 0.05, "account": "b"}
            first = {**first, "remote": {**first["remote"], "fallback": ["farther"]}}
            settings.VIDEO_MODELS = {"far": first, "farther": second}
            return other

        yield one


def test_a_final_no_of_another_does_not_end_a_job_that_its_own_provider_takes_in_a_moment(
    falls_back, finish, submit, stand_in, alice, short_pauses
):
    falls_back((404, "not_found", "There is no such model."))
    stand_in.refused["A quiet sea [busy]"] = 1
    job = finish(submit("A quiet sea [busy]"))
    assert (job.status, states(job)) == ("completed", ["refused", "refused", "made"])
    pause = job.events.get(verb="release")
    assert (pause.status, "Slow down" in pause.message) == ("starting", True)
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_a_final_no_of_another_does_not_end_the_jobs_of_a_provider_that_is_down(
    falls_back, drive, submit, stand_in, alice
):
    falls_back((400, "invalid_value", "The value of 'size' is not supported."))
    Upstream.objects.create(account="FAR_KEY", failures=5, closed_until=Now() + datetime.timedelta(hours=1))
    job = submit()
    drive()
    eventually(lambda: job.events.filter(verb="release").exists())
    waiting = Job.objects.get(id=job.id)
    assert (waiting.status, waiting.current_step, states(job)) == ("starting", upstreams.DOWN, ["refused"])
    assert waiting.woken_at > waiting.updated_at + datetime.timedelta(seconds=30)  # no use before
    Upstream.objects.update(closed_until=Now())  # the pause, that a person would sit out
    Job.objects.update(woken_at=Now())
    done = eventually(lambda: Job.objects.finished().filter(id=job.id).first())
    assert (done.status, stand_in.submits_of(job.prompt)) == ("completed", 1)
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_each_process_of_a_worker_hears_the_news_of_its_own_jobs(far, settings, submit, stand_in):
    far(poll_seconds=3600.0)
    settings.PUBLIC_URL, settings.REMOTE_IN_FLIGHT = "https://videos.example.org", 1
    stand_in.takes = 3600.0
    jobs = [submit(f"Wave {number}") for number in range(2)]
    both = [driver.Driver(worker="w1", queue_name="remote") for _ in jobs]
    try:
        for each in both:
            each.start()
        eventually(lambda: [work.polls for work in stand_in.works.values()] == [1, 1])
        stand_in.end_works()
        remote_tasks.hint(RemoteTask.objects.all())
        eventually(lambda: Job.objects.completed().count() == 2)
    finally:
        for each in both:
            each.abandon()
            assert each.stop(seconds=PATIENCE)


@pytest.mark.parametrize("code", [FailureCode.CONTENT_REJECTED, FailureCode.INVALID_IMAGE])
def test_what_was_refused_for_its_content_is_offered_to_nobody_by_who_takes_the_job_over(
    code, falls_back, finish, submit, stand_in
):
    """The worker has died between noting the refusal and failing the job."""
    other = falls_back()
    job = lifecycle.claim(submit().id, worker="w1")
    noted_as_refused(job, code)
    assert lifecycle.reap(job, is_dead=True)
    job = finish(job)
    assert (job.status, job.failure_code, job.failure_detail) == ("failed", code, "said by it")
    assert (states(job), other.works, stand_in.works) == (["refused"], {}, {})


def test_who_takes_a_refused_job_over_says_why_it_was_refused(far, finish, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    noted_as_refused(job, FailureCode.PROVIDER_UNAVAILABLE)
    assert lifecycle.reap(job, is_dead=True)
    job = finish(job)
    assert (job.failure_code, job.failure_detail) == (FailureCode.PROVIDER_UNAVAILABLE, "said by it")
    assert stand_in.works == {}


def noted_as_refused(job, code):
    route = catalogue.get("far").adapter().route
    task = remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)
    assert remote_tasks.refused(task, Refused(code, "said by it"))


def test_a_moderated_request_is_not_offered_to_another(case, settings, finish, submit, stand_in, far):
    first = {**settings.VIDEO_MODELS["far"]}
    remote = {**first["remote"], "fallback": ["farther"]}
    settings.VIDEO_MODELS = {"far": {**first, "remote": remote}, "farther": first}
    job = finish(submit("A quiet sea [moderate]"))
    assert (job.failure_code, states(job)) == (FailureCode.CONTENT_REJECTED, ["refused"])


def test_who_died_while_sending_keeps_no_other_from_trying_whether_the_provider_is_back(
    far, submit, stand_in
):
    job = lifecycle.claim(submit().id, worker="w1")
    route = catalogue.get("far").adapter().route
    remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)
    Upstream.objects.create(account=route.account, failures=1)
    assert upstreams.rooms_within({route.account: 100}) == {route.account: 0}  # it is on its way
    RemoteTask.objects.update(intended_at=F("intended_at") - datetime.timedelta(seconds=200))
    assert upstreams.rooms_within({route.account: 100}) == {route.account: 1}


def test_a_second_submission_cannot_even_be_intended(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route = catalogue.get("far").adapter().route
    remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)
    with pytest.raises(Exception, match=r"remotetask_paid_for_once|UNIQUE"):
        remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)


def test_another_worker_goes_on_where_one_was_lost_without_a_second_submit(
    far, finish, drive, submit, stand_in, alice
):
    stand_in.takes = 3600.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    held = Job.objects.get(id=job.id)
    assert lifecycle.reap(held, is_dead=True)
    stand_in.end_works()
    done = finish(job)
    assert (done.status, done.attempt, stand_in.submits_of(job.prompt)) == ("completed", 2, 1)
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


def test_the_key_goes_to_nobody_but_the_provider(far, finish, submit, stand_in):
    finish(submit())
    assert stand_in.works[next(iter(stand_in.works))].headers["authorization"] == f"Bearer {stand_in.key}"
    route = catalogue.get("far").adapter().route
    assert route.owns(f"{stand_in.origin}/v1/videos/7")
    assert not route.owns("https://elsewhere.example/v1/videos/7")
    assert not route.owns(f"{stand_in.origin}.elsewhere.example/v1")


def test_progress_comes_from_the_provider(far, drive, submit, stand_in, api):
    stand_in.takes = 3600.0
    job = submit()
    drive()
    [work] = eventually(lambda: [*stand_in.works.values()])
    work.since -= 0.5 * work.takes
    told = Job.objects.filter(id=job.id, current_step=errand.MAKING)
    eventually(lambda: told.filter(progress__gte=0.3).exists())


@pytest.mark.parametrize("hint", [{}, {"retry-after-ms": "200"}], ids=["interval", "hint"])
def test_a_provider_is_never_asked_sooner_than_it_or_the_entry_says(far, drive, submit, stand_in, hint):
    far(poll_seconds=0.05 if hint else 0.2)
    stand_in.takes = 60.0
    asked, there = [], stand_in.retrieve

    def retrieve(request, work_id):
        asked.append(time.monotonic())
        if hint and len(asked) % 2:
            return Answer(429, {"error": {"message": "Slow down."}}, hint)
        return dataclasses.replace(there(request, work_id), headers=hint)

    stand_in.retrieve = retrieve
    submit()
    drive()
    eventually(lambda: len(asked) > 20)
    assert min(later - sooner for sooner, later in itertools.pairwise(asked)) >= 0.2


def test_a_driver_that_is_to_stop_finishes_what_it_has_and_takes_nothing_more(far, drive, submit, stand_in):
    stand_in.takes = 3600.0
    one = drive()
    job = submit()
    one.wake()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    later = []
    stopping = threading.Thread(target=lambda: later.append(one.stop(seconds=PATIENCE)))
    stopping.start()
    eventually(lambda: one._stopping and one._news._waiters)  # a look that was under way is over
    other = submit("Another sea")
    stand_in.end_works()
    stopping.join()
    assert later == [True]
    assert Job.objects.get(id=job.id).status == "completed"
    assert Job.objects.get(id=other.id).status == "queued"


def test_a_full_account_does_not_keep_its_own_jobs_from_another_worker(far, finish, drive, submit, stand_in):
    """They fill it; who is to free it must have them."""
    far(in_flight=1)
    stand_in.takes = 3600.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    other = submit("Another sea")
    stand_in.end_works()
    assert [done.status for done in finish(job, other)] == ["completed"] * 2
    assert not RemoteTask.objects.open().exists()


def test_a_provider_that_is_ill_is_asked_once_in_a_while_and_the_others_wait(
    far, drive, finish, submit, stand_in, alice
):
    far(unknown_seconds=1.0)
    stand_in.is_ill = True
    lost = submit("Wave 0")
    drive()
    ill = Upstream.objects.filter(failures__gt=0, closed_until__isnull=False)
    eventually(lambda: ill.update(closed_until=Now() + datetime.timedelta(hours=1)))
    others = [submit(f"Wave {number}") for number in range(1, 6)]
    time.sleep(3 * driver.LOOK_SECONDS)
    assert RemoteTask.objects.get().job_id == lost.id
    assert stand_in.asked == [("POST", "/v1/videos")]
    stand_in.is_ill = False
    ill.update(closed_until=F("changed_at"))  # the pause, that a person would sit out
    assert [job.status for job in finish(lost, *others)] == ["failed"] + ["completed"] * 5
    assert RemoteTask.objects.to_review().get().job_id == lost.id  # it may have been taken, for all we know
    assert ledger.balance(alice.pk).available == OPENING - 5 * PRICE


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


@pytest.fixture
def lesser(case, settings, far, stand_in):
    """Have `far` fall back to a second stand-in, by an entry that can do less; return that stand-in."""
    with OpenAIStandIn() as other:

        def change(**entry):
            first, second = settings.VIDEO_MODELS["far"], case.entry(other)
            reached = {"key": "FAR_KEY", "poll_seconds": 0.05, "account": "other"}
            settings.VIDEO_MODELS = {
                "far": {**first, "remote": {**first["remote"], "fallback": ["farther"]}},
                "farther": {**second, **entry, "remote": {**second["remote"], **reached}},
            }
            return other

        yield change


LESS = [
    ({"generation_types": ["text_to_video"]}, {"generation_type": "image_to_video", "aspect_ratio": ""}),
    ({"durations": ["short"]}, {"duration": "long"}),
    ({"resolutions": ["sd_480p"]}, {"resolution": "hd_720p"}),
    ({"aspect_ratios": ["16:9"]}, {"aspect_ratio": "21:9"}),
    ({"features": []}, {"seed": 7}),
    ({"features": ["seed"]}, {"camera_fixed": True}),
    ({"features": ["seed"]}, {"reference_person": {"photo_url": "https://people.example.org/ann.jpg"}}),
]


@pytest.mark.parametrize(("entry", "asked"), LESS, ids=lambda value: next(iter(value)))
def test_a_job_is_not_given_to_another_model_that_cannot_do_what_it_asks_for(
    entry, asked, lesser, drive, submit, stand_in, alice
):
    other = lesser(**entry)
    stand_in.stop_listening()
    drive()
    first = submit("A plain sea", seed_was_drawn=True, resolution="sd_480p")  # shows the provider to be down
    eventually(lambda: other.submits_of("A plain sea") == 1)
    down = Upstream.objects.filter(account="FAR_KEY", failures__gt=0)
    eventually(lambda: down.update(closed_until=Now() + datetime.timedelta(hours=1)))
    more = submit("Another sea", **asked)
    last = submit("A plain sea", seed_was_drawn=True, resolution="sd_480p")
    eventually(lambda: Job.objects.completed().filter(id__in=[first.id, last.id]).count() == 2)
    assert Job.objects.get(id=more.id).status == "queued"  # held, not charged, and theirs to cancel
    assert (other.submits_of("Another sea"), len(other.works)) == (0, 2)
    assert ledger.balance(alice.pk).held == PRICE


def test_a_picture_is_not_dropped_on_its_way_to_another(
    lesser, drive, submit, stand_in, alice, picture, short_pauses
):
    other = lesser(generation_types=["text_to_video"])
    stand_in.stop_listening()
    job = submit(**picture)
    drive()
    eventually(lambda: Upstream.objects.filter(failures__gt=1).exists())  # twice in vain
    assert not other.works
    stand_in.listen_again()
    Upstream.objects.update(closed_until=F("changed_at"))  # the pause, that a person would sit out
    put_off(job)
    Job.objects.update(woken_at=Now())
    eventually(lambda: Job.objects.get(id=job.id).status == "completed")
    [work] = stand_in.works.values()
    assert (work.image is not None, len(other.works)) == (True, 0)
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_a_model_that_is_refused_does_not_close_its_account_to_the_others(
    far, settings, drive, finish, submit, stand_in
):
    entry, there, refused = settings.VIDEO_MODELS["far"], stand_in.create, []
    closed = {**entry, "remote": {**entry["remote"], "model": "closed"}}
    settings.VIDEO_MODELS = {"far": entry, "closed": closed}

    def create(asked):
        if asked.json["model"] != "closed":
            return there(asked)
        refused.append(asked)
        return stand_in.refusal(403, "forbidden", "Your organization has no access to this model.")

    stand_in.create = create
    shut = [submit("Shut 0", model="closed")]
    drive()
    of_model = Upstream.objects.filter(account="FAR_KEY: closed")
    eventually(lambda: shut[0].events.filter(verb="release").exists())
    of_model.update(failures=5, closed_until=Now() + datetime.timedelta(hours=1))
    before = len(refused)
    shut += [submit(f"Shut {number}", model="closed") for number in range(1, 5)]
    jobs = finish(*(submit(f"Wave {number}") for number in range(5)))
    assert [job.status for job in jobs] == ["completed"] * 5
    assert not Upstream.objects.filter(account="FAR_KEY").exists()  # there was no pause
    assert Job.objects.active().filter(id__in=[job.id for job in shut]).count() == 5
    assert upstreams.wait([catalogue.get("closed")]) == upstreams.DOWN
    assert upstreams.wait([catalogue.get("closed"), catalogue.get("far")]) == upstreams.TURN
    assert len(refused) <= before + 1  # which may have been on its way
    stand_in.create = there
    of_model.update(closed_until=F("changed_at"))  # the pauses, that a person would sit out
    Job.objects.filter(id=shut[0].id, worker="").update(woken_at=Now())
    assert [job.status for job in finish(*shut)] == ["completed"] * 5
    assert not of_model.filter(failures__gt=0).exists()


def test_no_more_are_claimed_than_may_be_submitted(far, drive, submit, stand_in):
    far(in_flight=2)
    stand_in.takes = 60.0
    for number in range(8):
        submit(f"Wave {number}")
    drive()
    eventually(lambda: len(stand_in.works) == 2)
    time.sleep(3 * driver.LOOK_SECONDS)
    assert Job.objects.queued().count() == 6  # held, not charged, and theirs to cancel


def test_a_job_that_is_looked_for_takes_one_place_and_not_two(far, drive, submit, stand_in, short_pauses):
    far(in_flight=2, unknown_seconds=600.0)
    first = submit("A quiet sea [lost]")
    drive()
    eventually(lambda: states(first) == [RemoteState.UNKNOWN])
    second = submit("Another sea")
    eventually(lambda: Job.objects.completed().filter(id=second.id).exists())
    assert states(first) == [RemoteState.UNKNOWN]


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
    dripping = Answer(200, b" " * 1_000_000, drip=0.1)
    stand_in.holds.clear()
    stand_in.routes = lambda: [("GET", "/v1", lambda asked: dripping)]
    began = time.monotonic()
    stand_in.is_let_in = lambda asked: True
    with pytest.raises(wire.NoReply):
        asyncio.run(ask())
    assert time.monotonic() - began < 60


def test_an_id_may_be_as_long_as_a_gateway_makes_it(far, finish, submit, stand_in, task_of):
    stand_in.new_id = lambda: f"video_{'x' * 1200}"
    job = finish(submit())
    assert (job.status, task_of(job).remote_id) == ("completed", stand_in.new_id())


def test_a_file_that_has_moved_within_the_providers_server_is_followed(far, finish, submit, stand_in):
    there = stand_in.content

    def content(asked, work_id):
        moved = "moved" in asked.query
        return there(asked, work_id) if moved else Answer(302, b"", {"location": f"content?moved={work_id}"})

    stand_in.content = content
    assert finish(submit()).status == "completed"
