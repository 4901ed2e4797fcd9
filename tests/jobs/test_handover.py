"""What becomes of a job whose worker stops or dies: handed on at once, and nothing is paid twice."""

import contextlib
import datetime
import os
import time

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from dust import audit
from dust.models import Transfer
from jobs import handover, lifecycle, queue, runner, workers, workplace
from jobs.errors import JobLost
from jobs.handover import End
from jobs.models import Job, JobEvent, Message, Worker
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs.making import finish, move_clock

ALL_TIME = 10_000


@contextlib.contextmanager
def out_of_reach():
    """Let the database refuse whatever is asked about clusters."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(Worker, "jobs_worker", "jobs_worker_away")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(Worker, "jobs_worker_away", "jobs_worker")


def kinds(job):
    return sorted(Transfer.objects.filter(job_id=job.id).values_list("kind", flat=True))


def test_a_released_job_keeps_its_attempt_and_its_money_and_is_woken(processing, fresh):
    Message.objects.all().delete()
    assert lifecycle.release(processing)
    job = fresh(processing)
    assert (job.status, job.worker, job.attempt, job.progress) == (Status.STARTING, "", 1, 0)
    assert kinds(job) == ["hold", "post"]
    assert Message.objects.get().job_id == job.id
    assert JobEvent.objects.filter(job=job).last().verb == "release"
    assert audit.violations() == []


def test_the_next_worker_goes_on_with_the_same_attempt_and_the_old_one_is_fenced_off(
    processing, fresh, tmp_path
):
    lifecycle.release(fresh(processing))
    mine = lifecycle.claim(processing.id, worker="w2")
    assert mine.attempt == 1
    with pytest.raises(JobLost):
        lifecycle.progress(processing, share=0.9, step="Old")
    lifecycle.accept(mine)
    with pytest.raises(JobLost):
        finish(processing, tmp_path)
    assert not lifecycle.release(processing)
    (tmp_path / "again").mkdir()
    finish(mine, tmp_path / "again")
    assert fresh(mine).status == Status.COMPLETED
    assert kinds(mine) == ["hold", "post"]


def test_being_released_again_and_again_uses_up_no_attempt(queued, fresh, settings):
    for number in range(3 * settings.JOB_MAX_ATTEMPTS):
        lifecycle.release(lifecycle.claim(queued.id, worker=f"w{number}"))
    assert (fresh(queued).status, fresh(queued).attempt) == (Status.STARTING, 1)


def test_a_finished_or_waiting_job_is_not_released(queued, failed):
    assert not lifecycle.release(queued)
    assert not lifecycle.release(failed)


def test_a_retired_worker_claims_nothing_neither_fresh_nor_given_back(queued, submit):
    given_back = submit()
    lifecycle.release(lifecycle.claim(given_back.id, worker="w2"))
    workers.register("w1", queue="render", processes=1)
    workers.retire(["w1"])
    assert lifecycle.claim(queued.id, worker="w1") is None
    assert lifecycle.claim(given_back.id, worker="w1") is None
    assert lifecycle.claim(queued.id, worker="w2")


def test_a_message_that_reaches_a_retired_worker_is_passed_on(queued, fresh):
    Message.objects.all().delete()
    workers.register("w1", queue="render", processes=1)
    workers.retire(["w1"])
    runner.run(queued.id, worker="w1")
    assert fresh(queued).status == Status.QUEUED
    assert Message.objects.get().job_id == queued.id


@pytest.mark.parametrize(
    ("elapsed", "progress", "left"),
    [
        (10, 0.5, 10),  # its own pace
        (10, 0.1, 90),
        (1, 0.0, 3),  # the plan says four seconds
        (10, 0.0, float("inf")),  # past the plan, and no progress: who knows
    ],
)
def test_the_time_a_job_still_needs_is_told_by_its_pace_and_before_that_by_the_plan(
    processing, fresh, elapsed, progress, left
):
    if progress:
        lifecycle.progress(processing, share=progress, step="Halfway")
    job = fresh(processing)
    job.now = job.claimed_at + datetime.timedelta(seconds=elapsed)
    assert handover.remaining(job) == pytest.approx(left)


def test_only_jobs_that_need_longer_than_there_is_are_given_back(submit, fresh):
    soon, late = [lifecycle.claim(submit().id, worker="w1") for _ in range(2)]
    elsewhere = lifecycle.claim(submit().id, worker="w2")
    for job, share in ((soon, 0.9), (late, 0.1), (elsewhere, 0.1)):
        lifecycle.accept(job)
        lifecycle.progress(job, share=share, step="Halfway")
        move_clock(job, seconds=10)
    handover.release_slow(["w1"], seconds=30)
    assert [fresh(job).worker for job in (soon, late, elsewhere)] == ["w1", "", "w2"]


def test_what_a_stopped_cluster_held_is_released_without_an_attempt(processing, fresh):
    handover.settle([End(worker_id="w1")])
    assert (fresh(processing).worker, fresh(processing).attempt) == ("", 1)


def test_what_a_dead_cluster_held_costs_an_attempt_each_time_and_ends_failed_and_refunded(
    queued, fresh, settings
):
    """A job may be what killed it: without the count it would kill one cluster after the other."""
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        assert lifecycle.claim(queued.id, worker="w1")
        handover.settle([End(worker_id="w1", died=True)])
    assert fresh(queued).status == Status.FAILED
    assert kinds(queued) == ["hold", "post", "reverse"]
    assert audit.violations() == []


def test_of_a_dead_clusters_jobs_the_one_whose_process_died_loses_an_attempt(
    submit, fresh, settings, monkeypatch
):
    settings.WORK_DIR = settings.MEDIA_ROOT / "work"
    poison, neighbour = [lifecycle.claim(submit().id, worker="w1") for _ in range(2)]
    monkeypatch.setenv("VIDEOAPI_WORKER", "w1")
    with workplace.folder(poison.id):
        suspects = workplace.jobs_of("w1", [os.getpid()])
        assert workplace.jobs_of("w1", [1]) == workplace.jobs_of("w", [os.getpid()]) == set()
    assert suspects == {poison.id}
    handover.settle([End(worker_id="w1", died=True, suspects=suspects)])
    assert (fresh(poison).attempt, fresh(neighbour).attempt) == (2, 1)
    assert (fresh(poison).worker, fresh(neighbour).worker) == ("", "")


def test_the_death_of_one_cluster_costs_the_jobs_of_another_no_attempt(submit, fresh):
    """Both are ended together, but the cause can only be at work in the one that died."""
    near, far = (
        lifecycle.claim(submit().id, worker="m-render"),
        lifecycle.claim(submit().id, worker="m-remote"),
    )
    handover.settle([End(worker_id="m-render", died=True), End(worker_id="m-remote")])
    assert (fresh(near).attempt, fresh(far).attempt) == (2, 1)
    assert (fresh(near).worker, fresh(far).worker) == ("", "")


def test_a_job_whose_books_do_not_fit_does_not_keep_its_neighbours_from_being_handed_on(
    submit, unguarded, fresh, settings
):
    settings.JOB_MAX_ATTEMPTS = 1
    poison, other = [lifecycle.claim(submit().id, worker="w1") for _ in range(2)]
    Transfer.objects.filter(job_id=poison.id, kind="post").delete()
    handover.settle([End(worker_id="w1", died=True)])
    assert (fresh(poison).worker, fresh(other).status) == ("w1", Status.FAILED)


def test_what_an_ended_cluster_left_on_the_disk_is_removed_and_nothing_else(settings):
    settings.WORK_DIR = settings.MEDIA_ROOT / "work"
    names = [f"job-{owner}-7-{'0' * 32}-abc" for owner in ("m-render", "m-render-hd", "n-render")]
    for name in names:
        (settings.WORK_DIR / name / "inner").mkdir(parents=True)
    workplace.clear("m-render")
    assert sorted(path.name for path in settings.WORK_DIR.iterdir()) == names[1:]


@pytest.mark.django_db(transaction=True)
def test_a_cluster_is_retired_though_the_database_was_away_when_it_was_asked_to_stop():
    workers.register("w1", queue="render", processes=1)
    leaving = handover.Leaving(["w1"], grace=30)
    with out_of_reach():
        leaving.start()
        time.sleep(0.2)
    deadline = time.monotonic() + 60
    while not workers.is_stopping("w1") and time.monotonic() < deadline:
        time.sleep(0.1)
    leaving.stop()
    leaving.join(60)
    assert workers.is_stopping("w1")


def test_messages_a_cluster_had_taken_are_served_again(queued, monkeypatch):
    Message.objects.update(holder="w1", due_at=Now() + workers.FORGET_AFTER)
    assert queue.waiting("render") == 0
    handover.settle([End(worker_id="w1")])
    assert queue.waiting("render") == 1


def test_a_worker_that_gave_its_job_back_can_neither_fail_it_nor_hand_it_back(processing, fresh):
    """The attempt is the same, so it is the worker's name that fences it off."""
    old = fresh(processing)
    lifecycle.release(fresh(processing))
    lifecycle.claim(processing.id, worker="w2")
    for verb in (lifecycle.fail, lifecycle.hand_back):
        with pytest.raises(JobLost):
            verb(old, code=FailureCode.INTERNAL_ERROR, detail="late")
    assert kinds(processing) == ["hold", "post"]


def test_a_hand_back_after_any_number_of_attempts_ends_the_job(processing, fresh):
    Job.objects.filter(id=processing.id).update(attempt=30)  # 4 ** 29 pauses are longer than any time
    job = fresh(processing)
    lifecycle.hand_back(job, code=FailureCode.INTERNAL_ERROR, detail="again")
    assert (fresh(job).status, kinds(job)) == (Status.FAILED, ["hold", "post", "reverse"])


def test_a_hand_back_whose_commit_failed_can_be_made_again(processing, fresh):
    with contextlib.suppress(OperationalError), transaction.atomic():
        lifecycle.hand_back(processing, code=FailureCode.INTERNAL_ERROR, detail="first")
        raise OperationalError("the connection was lost")
    lifecycle.hand_back(processing, code=FailureCode.INTERNAL_ERROR, detail="second")
    assert fresh(processing).attempt == 2
