"""A job has ended, its provider is still at work: it is asked to stop, and what it says is written down."""

import datetime

import pytest
from django.db.models.functions import Now

from dust import audit, ledger
from jobs import driver, housekeeping, lifecycle, remote_tasks, submitting
from jobs.models import Job, RemoteState, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.openai_videos import OpenAIVideos
from tests.jobs.making import OPENING, move_clock
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import PATIENCE, eventually

pytestmark = pytest.mark.slow


def only(name):
    case = next(case for case in CASES if case.name == name)
    return pytest.mark.parametrize("case", [case], indirect=True, ids=[name])


ABLE = pytest.mark.parametrize(
    "case", [case for case in CASES if case.cancels], indirect=True, ids=lambda case: case.name
)


class Broken(OpenAIVideos):
    """Can't be asked how it stands."""

    def poll(self, handle):
        raise ZeroDivisionError


def fail(job):
    lifecycle.fail(
        Job.objects.get(id=job.id),
        code=FailureCode.INTERNAL_ERROR,
        detail="stuck",
        actor="sam",
        reason="stuck",
    )


def lines(job, verb):
    return list(job.events.filter(verb=verb).order_by("id").values_list("message", flat=True))


def look_again():
    """Let the pause before the next look be over."""
    RemoteTask.objects.exclude(look_at=None).update(look_at=Now())


def is_as_it_was(job, alice):
    """Refunded once, whatever was heard."""
    job = Job.objects.get(id=job.id)
    return (job.status, job.dust, ledger.balance(alice.pk).available) == ("failed", "refunded", OPENING)


@ABLE
def test_what_staff_end_at_a_provider_is_stopped_there_and_its_end_written_down(
    case, at_work, stand_in, alice, task_of
):
    job = at_work()
    fail(job)
    [work] = stand_in.works.values()
    eventually(lambda: work.is_cancelled)
    [asked] = eventually(lambda: lines(job, "withdraw"))
    assert asked.startswith("far was asked to cancel it: HTTP 20")
    look_again()
    [news] = eventually(lambda: lines(job, "news"))
    assert news.startswith("far has ended it without a video")
    task = task_of(job)
    assert (task.state, task.look_at) == (RemoteState.NOT_MADE, None)
    # only one of them says that it cost nothing; of the others somebody has to make sure
    assert task.needs_review == (case.name != "runway")
    assert is_as_it_was(job, alice)
    assert audit.violations() == []


@only("openai")
def test_work_that_is_given_up_is_stopped_at_the_provider(far, settings, finish, submit, stand_in):
    entry = settings.VIDEO_MODELS["far"]
    settings.VIDEO_MODELS = {"far": {**entry, "timeout_seconds": 1}}
    job = finish(submit("A quiet sea [ages]"))
    assert job.status == "failed"
    [work] = stand_in.works.values()
    eventually(lambda: work.is_cancelled)
    assert eventually(lambda: lines(job, "withdraw")) == ["far was asked to cancel it: HTTP 200"]


@only("luma")
def test_a_video_that_is_made_all_the_same_is_written_down_and_never_charged(
    drive, submit, stand_in, alice, task_of, monkeypatch
):
    monkeypatch.setattr(driver, "LONGEST_RENEWAL", 0.2)
    stand_in.takes = 3600.0
    job, one = submit(), drive()
    eventually(lambda: Job.objects.filter(id=job.id, status="processing").exists())
    fail(job)
    eventually(lambda: not one._held)  # else it may be heard as before
    stand_in.end_works()
    eventually(lambda: task_of(job).looks > 0)
    look_again()
    assert eventually(lambda: lines(job, "news")) == [
        "far has made the video all the same; nothing is charged for it"
    ]
    task = task_of(job)
    assert (task.state, task.needs_review, task.look_at) == (RemoteState.MADE, True, None)
    assert is_as_it_was(job, alice)
    assert not Job.objects.get(id=job.id).video_id


@only("replicate")
def test_what_is_found_only_after_it_was_given_up_is_stopped(
    far, finish, submit, stand_in, alice, task_of, monkeypatch
):
    monkeypatch.setattr(submitting, "SILENCE", 2)
    far(unknown_seconds=0.5)
    there, stand_in.listed = stand_in.listed, lambda asked: Answer(503, b"")
    job = finish(submit("A quiet sea [lost] [ages]"))
    assert (job.status, task_of(job).state) == ("failed", RemoteState.UNKNOWN)
    stand_in.listed = there
    eventually(lambda: task_of(job).looks > 0)
    look_again()
    [work] = stand_in.works.values()
    eventually(lambda: work.is_cancelled)
    assert lines(job, "news")[0] == f"far has taken it, as {work.id}"
    eventually(lambda: lines(job, "withdraw"))
    assert task_of(job).needs_review
    assert is_as_it_was(job, alice)


@only("openai")
def test_a_refusal_that_comes_after_the_job_has_ended_leaves_nothing_to_look_up(
    far, drive, submit, stand_in, alice
):
    hold = stand_in.hold(lambda asked: asked.method == "POST")
    job = submit("A quiet sea [refuse]")
    drive()
    eventually(hold.reached.is_set)
    fail(job)
    task = RemoteTask.objects.get()
    assert (task.state, task.needs_review) == (RemoteState.INTENDED, True)
    hold.release()
    [news] = eventually(lambda: lines(job, "news"))
    assert news.startswith("far has certainly not taken it: HTTP 400")
    task.refresh_from_db()
    assert (task.state, task.needs_review, task.look_at) == (RemoteState.REFUSED, False, None)
    assert is_as_it_was(job, alice)


@only("openai")
def test_a_provider_that_is_down_is_asked_later(at_work, stand_in, task_of):
    job = at_work()
    stand_in.stop_listening()
    fail(job)
    eventually(lambda: task_of(job).looks == 1)
    stand_in.listen_again()
    [work] = stand_in.works.values()
    eventually(lambda: look_again() or work.is_cancelled)  # some of its connections may be broken yet
    eventually(lambda: "far was asked to cancel it: HTTP 200" in lines(job, "withdraw"))


@only("openai")
def test_an_adapter_that_breaks_on_one_keeps_no_other_from_being_heard(
    far, settings, finish, at_work, submit, stand_in, caplog
):
    fine = settings.VIDEO_MODELS["far"]
    settings.VIDEO_MODELS = {"far": fine, "broken": {**fine, "provider": f"{__name__}.Broken"}}
    job = at_work()
    failed = finish(submit("A quiet sea", model="broken"))
    assert (failed.status, failed.failure_code) == ("failed", FailureCode.INTERNAL_ERROR)
    eventually(lambda: RemoteTask.objects.get(job_id=failed.id).looks > 0)
    fail(job)
    look_again()
    eventually(lambda: lines(job, "withdraw"))
    assert eventually(lambda: "asking broken once more" in caplog.text)


@pytest.fixture
def given_up(far, submit):
    """A submission of a failed job, with no driver about."""
    job = lifecycle.claim(submit().id, worker="w1")
    task = RemoteTask.objects.create(job_id=job.id, key=job.id, model="far", account="far")
    fail(job)
    task.refresh_from_db()
    return task


@only("openai")
def test_of_several_drivers_one_takes_a_look(given_up, together):
    assert sorted(together(lambda _: remote_tasks.take_look(given_up), range(4))) == [False] * 3 + [True]


@only("openai")
def test_looks_are_farther_and_farther_apart_and_come_to_an_end(given_up):
    for number in range(12):
        before = taken_look(given_up)
        after = RemoteTask.objects.values_list(Now(), flat=True).get()
        pause = datetime.timedelta(seconds=15 * 2**number)
        assert before <= given_up.look_at - pause <= after
        assert not remote_tasks.take_look(given_up)
    taken_look(given_up)
    assert (given_up.look_at, given_up.needs_review) == (None, True)


def taken_look(task):
    """Take the next look at once; return when that was due, just before it was."""
    look_again()
    task.refresh_from_db()
    due = task.look_at
    assert remote_tasks.take_look(task)
    task.refresh_from_db()
    return due


@only("openai")
def test_a_job_that_ends_as_it_should_is_not_looked_at(far, finish, submit):
    made, failed = finish(submit(), submit("A quiet sea [fail]"))
    assert (made.status, failed.status) == ("completed", "failed")
    assert not RemoteTask.objects.exclude(look_at=None).exists()


@only("openai")
def test_a_job_that_the_sweep_has_failed_is_stopped_at_its_provider_too(far, drive, submit, stand_in, alice):
    """Nobody served its queue for as long as any job may wait."""
    job = submit("A quiet sea [ages]")
    first = drive()
    eventually(lambda: Job.objects.filter(id=job.id, status="processing").exists())
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    move_clock(job, hours=7)
    housekeeping.reap_jobs()
    assert Job.objects.get(id=job.id).status == "failed"
    drive()
    [work] = stand_in.works.values()
    eventually(lambda: work.is_cancelled)
    eventually(lambda: lines(job, "withdraw"))
    assert is_as_it_was(job, alice)
