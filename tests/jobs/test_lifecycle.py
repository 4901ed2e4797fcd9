"""One job's moves: status, money and timeline go together, and each at most once."""

import datetime
import functools

import pytest

from base.ids import uuid7
from dust.errors import InsufficientDust
from dust.models import Transfer
from jobs import lifecycle, states
from jobs.errors import JobLost, JobNotCancellable, TooManyActiveJobs
from jobs.models import Job, JobEvent, RemoteTask
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs.making import OPENING, PRICE, details_of, finish, move_clock, stored_files
from videos.models import Video

pytestmark = pytest.mark.django_db


def kinds(job):
    return list(Transfer.objects.filter(job_id=job.id).order_by("seq").values_list("kind", flat=True))


def timeline(job):
    return list(JobEvent.objects.filter(job=job).order_by("id").values_list("verb", "status"))


def fail(job, **changes):
    lifecycle.fail(job, code=FailureCode.PROVIDER_REJECTED, detail="it said no", **changes)


def test_a_submit_holds_the_price_and_queues_the_job(queued, alice, dust_of, fresh):
    job = fresh(queued)
    assert (job.status, job.attempt, job.dust) == (Status.QUEUED, 0, states.Dust.HELD)
    assert dust_of(alice) == (OPENING, PRICE)
    assert timeline(job) == [("submit", "queued")]


def test_a_submit_that_cannot_be_paid_leaves_no_job(submit):
    with pytest.raises(InsufficientDust):
        submit(cost=OPENING + 1)
    assert not Job.objects.exists()
    assert not Transfer.objects.filter(kind="hold").exists()


def test_a_free_job_moves_no_money(submit, alice, dust_of, fresh):
    job = lifecycle.claim(submit(cost=0).id, worker="w1")
    fail(job)
    assert fresh(job).status == Status.FAILED
    assert dust_of(alice) == (OPENING, 0)
    assert kinds(job) == []


def test_more_active_jobs_than_allowed_are_refused_with_nothing_held(submit, settings, alice, dust_of):
    settings.MAX_ACTIVE_JOBS = 2
    submit()
    submit()
    with pytest.raises(TooManyActiveJobs):
        submit()
    assert Job.objects.count() == 2
    assert dust_of(alice) == (OPENING, 2 * PRICE)


def test_the_ceiling_holds_for_free_jobs_too(submit, settings):
    settings.MAX_ACTIVE_JOBS = 1
    submit(cost=0)
    with pytest.raises(TooManyActiveJobs):
        submit(cost=0)


def test_a_claim_makes_the_hold_a_charge(starting, alice, dust_of, fresh):
    job = fresh(starting)
    assert (job.status, job.attempt, job.worker) == (Status.STARTING, 1, "w1")
    assert job.lease_expires_at > job.claimed_at
    assert dust_of(alice) == (OPENING - PRICE, 0)
    assert kinds(job) == ["hold", "post"]


def test_a_job_is_claimed_once_however_often_its_message_comes(starting):
    assert lifecycle.claim(starting.id, worker="w2") is None
    assert lifecycle.claim(starting.id, worker="w1") is None
    assert kinds(starting) == ["hold", "post"]


def test_a_job_that_does_not_exist_is_not_claimed():
    assert lifecycle.claim(uuid7(), worker="w1") is None


def test_who_accepts_a_job_again_as_the_answer_to_the_commit_was_lost_has_it_still(starting, fresh):
    first, again = fresh(starting), fresh(starting)
    assert lifecycle.accept(first)
    assert not lifecycle.accept(again)
    assert first.status == again.status == Status.PROCESSING
    assert timeline(starting).count(("accept", "processing")) == 1


def test_progress_never_falls_and_renews_the_lease(processing, fresh):
    move_clock(processing, seconds=20)
    before = fresh(processing).lease_expires_at
    lifecycle.progress(processing, share=0.5, step="Half")
    lifecycle.progress(processing, share=0.3, step="Less")
    job = fresh(processing)
    assert job.progress == 0.5
    assert job.current_step == "Less"
    assert job.lease_expires_at > before


def test_progress_is_kept_between_0_and_1(processing, fresh):
    lifecycle.progress(processing, share=7.0, step="Too much")
    assert fresh(processing).progress == 1.0


def test_a_completed_job_has_its_video_and_keeps_the_charge(processing, alice, dust_of, fresh, tmp_path):
    video_id = finish(processing, tmp_path)
    job = fresh(processing)
    assert (job.status, job.progress, job.video_id) == (Status.COMPLETED, 1.0, video_id)
    assert job.expires_at - job.finished_at == lifecycle.settings.JOB_RESULT_LIFETIME
    assert Video.objects.get().user == alice
    assert dust_of(alice) == (OPENING - PRICE, 0)
    verbs = [verb for verb, _ in timeline(job)]
    assert verbs == ["submit", "claim", "accept", "complete"]


def test_a_completion_that_comes_too_late_adds_no_video(processing, tmp_path):
    fail(processing)
    video_id = uuid7()
    files = stored_files(tmp_path, video_id)
    with pytest.raises(JobLost):
        lifecycle.complete(processing, video_id=video_id, files=files, details=details_of(processing))
    assert not Video.objects.exists()


@pytest.mark.parametrize("state", ["starting", "processing"])
def test_a_failure_after_the_start_is_refunded_once(state, request, alice, dust_of, fresh):
    job = request.getfixturevalue(state)
    fail(job)
    assert (fresh(job).status, fresh(job).dust) == (Status.FAILED, states.Dust.REFUNDED)
    assert dust_of(alice) == (OPENING, 0)
    with pytest.raises(JobLost):
        fail(job)
    assert kinds(job) == ["hold", "post", "reverse"]


def test_a_failure_in_the_queue_releases_the_hold(queued, alice, dust_of, fresh):
    fail(queued)
    assert fresh(queued).status == Status.FAILED
    assert dust_of(alice) == (OPENING, 0)
    assert kinds(queued) == ["hold", "void"]


def test_a_failure_judged_before_the_claim_does_not_hit_the_running_job(queued, fresh):
    lifecycle.claim(queued.id, worker="w1")
    with pytest.raises(JobLost):
        fail(queued)  # read when it was queued
    assert fresh(queued).status == Status.STARTING


def test_the_reason_for_staff_and_who_did_it_are_on_the_timeline(processing, fresh):
    fail(processing, actor="charlie", reason="stuck for an hour")
    event = JobEvent.objects.filter(job=processing).last()
    assert (event.actor, event.message) == ("charlie", "stuck for an hour")
    assert fresh(processing).failure_detail == "it said no"


def test_a_cancelled_job_gives_its_hold_back_and_asking_again_changes_nothing(queued, alice, dust_of, fresh):
    lifecycle.cancel(queued)
    lifecycle.cancel(queued)
    assert (fresh(queued).status, fresh(queued).dust) == (Status.CANCELLED, states.Dust.RELEASED)
    assert dust_of(alice) == (OPENING, 0)
    assert kinds(queued) == ["hold", "void"]
    assert timeline(queued).count(("cancel", "cancelled")) == 1


def test_a_cancelled_job_is_not_claimed(queued):
    lifecycle.cancel(queued)
    assert lifecycle.claim(queued.id, worker="w1") is None


@pytest.mark.parametrize("state", ["starting", "processing"])
def test_a_running_job_is_not_cancelled(state, request, alice, dust_of):
    job = request.getfixturevalue(state)
    with pytest.raises(JobNotCancellable) as refused:
        lifecycle.cancel(job)
    assert refused.value.extra == {"job_status": state}
    assert dust_of(alice) == (OPENING - PRICE, 0)


@pytest.mark.parametrize("state", ["starting", "processing"])
def test_a_job_that_is_stopped_as_asked_is_refunded_once(state, request, alice, dust_of, fresh):
    job = request.getfixturevalue(state)
    assert lifecycle.ask_to_cancel(fresh(job), actor="", reason="")
    assert dust_of(alice) == (OPENING - PRICE, 0)  # a wish moves no money
    assert lifecycle.stop(job, detail="canceled")
    assert not lifecycle.stop(job, detail="canceled")
    assert (fresh(job).status, fresh(job).dust) == (Status.CANCELLED, states.Dust.REFUNDED)
    assert kinds(job) == ["hold", "post", "reverse"]
    assert dust_of(alice) == (OPENING, 0)
    assert timeline(job)[-2:] == [("ask_to_cancel", state), ("stop", "cancelled")]


def test_nobody_is_stopped_whose_user_has_not_asked_for_it(processing, fresh):
    assert not lifecycle.stop(processing, detail="canceled")
    assert fresh(processing).status == Status.PROCESSING


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_only_of_a_running_job_may_a_cancel_be_asked_for(state, request, fresh):
    job = request.getfixturevalue(state)
    with pytest.raises(JobNotCancellable) as refused:
        lifecycle.ask_to_cancel(fresh(job))
    assert refused.value.extra == {"job_status": state}
    assert fresh(job).cancel_requested_at is None


def test_a_wish_goes_to_the_worker_that_takes_the_job_next_at_once(processing, fresh):
    """However long it was to wait for its provider."""
    assert lifecycle.release(processing, delay=datetime.timedelta(hours=1))
    assert lifecycle.claim(processing.id, worker="w2") is None
    lifecycle.ask_to_cancel(fresh(processing))
    assert lifecycle.claim(processing.id, worker="w2").is_unwanted


def test_a_wish_that_is_not_confirmed_in_its_time_lapses_and_may_be_made_anew(processing, fresh, settings):
    lifecycle.ask_to_cancel(fresh(processing))
    assert not lifecycle.go_on(processing, why="silence")
    move_clock(processing, seconds=settings.CANCEL_PATIENCE.total_seconds())
    assert lifecycle.go_on(processing, why="silence")
    job = fresh(processing)
    assert (job.is_unwanted, job.current_step) == (False, "Could not be cancelled; the job goes on")
    assert not lifecycle.go_on(processing, why="silence")
    assert lifecycle.ask_to_cancel(fresh(processing))
    assert fresh(processing).is_unwanted
    assert not lifecycle.go_on(processing, why="silence")


def test_a_lease_that_still_runs_is_not_reaped(processing, fresh):
    assert not lifecycle.reap(processing)
    assert fresh(processing).attempt == 1


def test_a_reaped_job_waits_for_another_try_at_no_second_charge(processing, alice, dust_of, fresh):
    lifecycle.progress(processing, share=0.7, step="On the way")
    move_clock(processing, minutes=5)
    assert lifecycle.reap(fresh(processing))
    job = fresh(processing)
    assert (job.status, job.attempt, job.worker, job.progress) == (Status.STARTING, 2, "", 0.0)
    again = lifecycle.claim(job.id, worker="w2")
    assert again.attempt == 2
    assert kinds(job) == ["hold", "post"]
    assert dust_of(alice) == (OPENING - PRICE, 0)


def test_a_worker_back_from_the_dead_changes_nothing(processing, fresh, tmp_path):
    move_clock(processing, minutes=5)
    lifecycle.reap(fresh(processing))
    lifecycle.claim(processing.id, worker="w2")
    for late in (
        lambda: lifecycle.progress(processing, share=0.9, step="Late"),
        lambda: lifecycle.accept(processing),
        lambda: fail(processing),
        lambda: finish(processing, tmp_path),
        lambda: lifecycle.hand_back(processing, code=FailureCode.INTERNAL_ERROR, detail="late"),
    ):
        with pytest.raises(JobLost):
            late()
    assert (fresh(processing).worker, fresh(processing).attempt) == ("w2", 2)


def test_a_job_out_of_attempts_fails_and_is_refunded(processing, alice, dust_of, fresh, settings):
    settings.JOB_MAX_ATTEMPTS = 1
    move_clock(processing, minutes=5)
    assert lifecycle.reap(fresh(processing))
    job = fresh(processing)
    assert (job.status, job.failure_code) == (Status.FAILED, FailureCode.INTERNAL_ERROR)
    assert dust_of(alice) == (OPENING, 0)
    assert not lifecycle.reap(job)
    assert kinds(job) == ["hold", "post", "reverse"]


@pytest.mark.parametrize(("at_a_provider", "share"), [(True, 0.7), (False, 0.0)])
def test_progress_falls_when_a_job_is_given_back_only_if_its_work_is_begun_anew(
    at_a_provider, share, processing, fresh
):
    if at_a_provider:
        RemoteTask.objects.create(job=processing, key=uuid7(), model="far", account="far")
    lifecycle.progress(processing, share=0.7, step="On the way")
    assert lifecycle.release(processing)
    assert (fresh(processing).progress, fresh(processing).attempt) == (share, 1)


def test_a_job_handed_back_is_tried_again_until_no_attempt_is_left(queued, alice, dust_of, fresh, settings):
    settings.JOB_MAX_ATTEMPTS = 3
    for attempt in (1, 2, 3):
        job = lifecycle.claim(queued.id, worker="w1")
        assert job.attempt == attempt
        lifecycle.hand_back(job, code=FailureCode.PROVIDER_UNAVAILABLE, detail="not now")
        move_clock(job, minutes=1)
    assert (fresh(job).status, fresh(job).failure_code) == (Status.FAILED, FailureCode.PROVIDER_UNAVAILABLE)
    assert dust_of(alice) == (OPENING, 0)
    assert kinds(job) == ["hold", "post", "reverse"]


def test_a_doubled_message_does_not_cut_the_pause_before_another_try_short(processing, fresh, settings):
    """What failed for a passing reason would use up its tries before the reason has passed."""
    lifecycle.hand_back(processing, code=FailureCode.PROVIDER_UNAVAILABLE, detail="not now")
    assert lifecycle.claim(processing.id, worker="w2") is None
    assert fresh(processing).worker == ""
    move_clock(processing, seconds=settings.JOB_RETRY.total_seconds())
    assert lifecycle.claim(processing.id, worker="w2")


@pytest.mark.parametrize(
    "give_back", [functools.partial(lifecycle.reap, is_dead=True), lifecycle.release], ids=["reap", "release"]
)
def test_a_job_that_another_is_to_have_at_once_has_no_pause(processing, fresh, give_back):
    """In the same millisecond, too, which is all that SQLite's clock tells."""
    for _ in range(20):
        Job.objects.filter(id=processing.id).update(attempt=1)
        give_back(fresh(processing))
        assert lifecycle.claim(processing.id, worker="w2")


def test_each_move_made_is_one_that_the_table_allows(processing, submit, fresh, tmp_path):
    move_clock(processing, minutes=5)
    lifecycle.reap(fresh(processing))
    again = lifecycle.claim(processing.id, worker="w2")
    lifecycle.accept(again)
    finish(again, tmp_path)
    cancelled, failed = submit(), submit()
    lifecycle.cancel(cancelled)
    fail(failed)
    stopped = lifecycle.claim(submit().id, worker="w1")
    lifecycle.ask_to_cancel(fresh(stopped))
    move_clock(stopped, minutes=5)
    lifecycle.go_on(stopped, why="silence")
    lifecycle.stop(stopped, detail="canceled")
    allowed = {(move.source, move.target, move.verb) for move in states.TRANSITIONS}
    for job in Job.objects.all():
        before = None
        for verb, status in timeline(job):
            assert (before, status, verb) in allowed
            before = status
