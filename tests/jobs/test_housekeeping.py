"""The chores: what they change, what they leave alone, and that doing them twice changes nothing more."""

import datetime
import io
import os
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Task

from dust.models import Transfer
from jobs import housekeeping, lifecycle, queue, upkeep, workers
from jobs.models import Job, JobEvent, Message, PurgedJob, Worker
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs.making import OPENING, finish, move_clock
from videos.models import Video

pytestmark = pytest.mark.django_db

COMMANDS = ["expire_results", "reap_jobs", "purge_jobs", "remove_orphans", "sweep"]


def run(command, *arguments):
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def numbers(counts):
    return {count.what: count.number for count in counts}


@pytest.fixture
def stalled(processing):
    move_clock(processing, minutes=10)
    return processing


@pytest.fixture
def expired(processing, tmp_path):
    finish(processing, tmp_path)
    move_clock(processing, hours=25)
    return processing


@pytest.fixture
def ancient(expired):
    move_clock(expired, days=200)
    return expired


def age(path, hours):
    past = time.time() - hours * 3600
    os.utime(path, (past, past))


def test_a_stalled_job_is_reaped_and_woken(stalled, fresh):
    Message.objects.all().delete()
    assert numbers(housekeeping.reap_jobs())["jobs reaped"] == 1
    assert (fresh(stalled).status, fresh(stalled).attempt) == (Status.STARTING, 2)
    assert Message.objects.count() == 1
    assert numbers(housekeeping.reap_jobs())["jobs reaped"] == 0


def test_a_job_past_its_deadline_in_the_queue_fails_and_gets_its_hold_back(queued, fresh, dust_of, alice):
    move_clock(queued, hours=7)
    assert numbers(housekeeping.reap_jobs())["overdue jobs failed"] == 1
    assert fresh(queued).failure_code == FailureCode.PROVIDER_TIMEOUT
    assert dust_of(alice)[1] == 0


def test_a_job_whose_message_was_lost_is_woken_again(queued, fresh):
    Message.objects.all().delete()
    move_clock(queued, minutes=5)
    assert numbers(housekeeping.requeue_lost())["lost jobs requeued"] == 1
    assert Message.objects.count() == 1
    assert JobEvent.objects.filter(job=queued, verb="requeue").count() == 1
    assert numbers(housekeeping.requeue_lost())["lost jobs requeued"] == 0


def test_a_job_is_woken_again_whatever_way_its_time_was_written(queued, settings, fresh):
    """SQLite keeps times as text: what a default wrote has three digits of a second, Python six."""
    Message.objects.all().delete()
    settings.REQUEUE_AFTER = datetime.timedelta(0)
    time.sleep(0.01)
    assert numbers(housekeeping.requeue_lost())["lost jobs requeued"] == 1
    assert Message.objects.count() == 1


def test_a_job_that_just_waits_its_turn_is_not_woken_again(queued):
    move_clock(queued, minutes=5)  # its message is still in the queue
    assert numbers(housekeeping.requeue_lost())["lost jobs requeued"] == 0
    assert Message.objects.count() == 1


def test_a_job_that_the_queue_has_passed_by_is_woken_though_others_wait(submit, fresh):
    lost = submit()
    Message.objects.all().delete()
    move_clock(lost, minutes=30)
    later, waiting = submit(), submit()
    lifecycle.claim(later.id, worker="w1")
    assert queue.waiting("render") == 2
    assert numbers(housekeeping.requeue_lost())["lost jobs requeued"] == 1
    assert fresh(lost).woken_at >= fresh(waiting).woken_at


def test_an_expired_result_is_cleared_and_the_video_stays(expired, fresh):
    assert numbers(housekeeping.expire_results()) == {"results expired": 1}
    assert fresh(expired).cleared_at
    assert JobEvent.objects.filter(job=expired, verb="expire").count() == 1
    assert Video.objects.count() == 1
    assert numbers(housekeeping.expire_results()) == {"results expired": 0}


def test_the_uploaded_picture_of_a_failed_job_goes_when_its_time_is_over(submit, fresh, media):
    name = default_storage.save("uploads/aa/one", ContentFile(b"picture"))
    job = submit(generation_type="image_to_video", aspect_ratio="", upload=name)
    lifecycle.cancel(job)
    assert numbers(housekeeping.expire_results()) == {"results expired": 0}
    assert default_storage.exists(name)
    move_clock(job, hours=25)
    housekeeping.expire_results()
    assert not default_storage.exists(name)
    assert fresh(job).upload == ""


def test_purging_leaves_money_and_videos_untouched(ancient):
    before = list(Transfer.objects.order_by("id").values())
    housekeeping.expire_results()
    assert numbers(housekeeping.purge_jobs()) == {"jobs purged": 1}
    assert not Job.objects.exists()
    assert list(Transfer.objects.order_by("id").values()) == before
    assert Video.objects.count() == 1
    assert PurgedJob.objects.get().status == Status.COMPLETED
    assert numbers(housekeeping.purge_jobs()) == {"jobs purged": 0}


def test_unfinished_and_recent_jobs_are_not_purged(queued, submit):
    move_clock(queued, days=400)
    lifecycle.cancel(submit())
    housekeeping.expire_results()
    assert numbers(housekeeping.purge_jobs()) == {"jobs purged": 0}


def test_orphans_of_both_kinds_are_removed_and_what_is_used_is_not(submit, media, expired):
    used = default_storage.save("uploads/aa/used", ContentFile(b"picture"))
    submit(generation_type="image_to_video", aspect_ratio="", upload=used)
    for name in ("uploads/bb/orphan", "videos/bb/orphan.mp4", "uploads/bb/young"):
        default_storage.save(name, ContentFile(b"12345"))
    for path in media.rglob("*"):
        if path.is_file() and path.name != "young":
            age(path, hours=30)
    planned = numbers(housekeeping.remove_orphans(dry_run=True))
    assert planned["orphaned files removed"] == 2
    assert planned["bytes freed"] == 10
    assert default_storage.exists("uploads/bb/orphan")
    assert numbers(housekeeping.remove_orphans())["orphaned files removed"] == 2
    left = {path.name for path in media.rglob("*") if path.is_file()}
    assert {"used", "young"} <= left
    assert not {"orphan", "orphan.mp4"} & left
    assert numbers(housekeeping.remove_orphans())["orphaned files removed"] == 0


def test_a_video_whose_file_is_gone_is_reported(expired, media):
    default_storage.delete(Video.objects.get().file)
    assert numbers(housekeeping.remove_orphans())["videos without their file"] == 1


def test_folders_of_a_killed_worker_are_removed_when_they_are_old(settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    for name in ("job-old", "job-new"):
        (settings.WORK_DIR / name).mkdir(parents=True)
    age(settings.WORK_DIR / "job-old", hours=30)
    assert numbers(housekeeping.remove_orphans())["abandoned work folders removed"] == 1
    assert [path.name for path in settings.WORK_DIR.iterdir()] == ["job-new"]


def test_the_slow_chores_are_done_only_where_all_are_asked_for(ancient):
    first = numbers(housekeeping.sweep())
    assert first["results expired"] == 1
    assert "jobs purged" not in first
    assert numbers(housekeeping.sweep(all_chores=True))["jobs purged"] == 1


def test_a_dead_worker_is_forgotten_and_a_live_one_is_not():
    for name in ("dead", "alive"):
        workers.register(name, queue="default", processes=2)
    dead = Worker.objects.get(id="dead")
    Worker.objects.filter(id="dead").update(seen_at=dead.seen_at - workers.FORGET_AFTER * 2)
    housekeeping.sweep()
    assert list(Worker.objects.values_list("id", flat=True)) == ["alive"]


def test_a_job_given_back_to_a_queue_that_nobody_serves_fails_and_is_refunded(
    starting, fresh, dust_of, alice
):
    lifecycle.release(starting)
    move_clock(starting, hours=5)
    assert numbers(housekeeping.reap_jobs())["overdue jobs failed"] == 0
    move_clock(starting, hours=2)
    assert numbers(housekeeping.reap_jobs())["overdue jobs failed"] == 1
    assert (fresh(starting).status, fresh(starting).failure_code) == (
        Status.FAILED,
        FailureCode.PROVIDER_TIMEOUT,
    )
    assert dust_of(alice) == (OPENING, 0)
    assert lifecycle.claim(starting.id, worker="w2") is None


def test_a_job_that_runs_longer_than_anybody_should_wait_is_not_taken_for_deserted(processing, fresh):
    move_clock(processing, hours=9)
    lifecycle.progress(processing, share=0.5, step="Halfway")
    assert numbers(housekeeping.reap_jobs())["overdue jobs failed"] == 0
    assert fresh(processing).worker == "w1"


def test_one_job_whose_books_do_not_fit_does_not_stop_the_others(submit, unguarded, fresh):
    poison, other = submit(), submit()
    Transfer.objects.filter(job_id=poison.id).delete()
    for job in (poison, other):
        move_clock(job, hours=7)
    assert numbers(housekeeping.reap_jobs())["overdue jobs failed"] == 1
    assert (fresh(poison).status, fresh(other).status) == (Status.QUEUED, Status.FAILED)


def test_an_upload_that_cannot_be_removed_does_not_stop_the_sweep(submit, settings):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.Stubborn"}}
    jobs = [submit(upload=f"uploads/aa/{number}") for number in range(3)]
    for job in jobs:
        lifecycle.cancel(job)
        move_clock(job, hours=25)
    assert numbers(housekeeping.expire_results()) == {"results expired": 3}


class Stubborn(FileSystemStorage):
    """A storage that lets go of nothing."""

    def delete(self, name):
        raise PermissionError(13, "Permission denied")


def test_sweeps_at_once_wake_a_lost_job_once(queued):
    Message.objects.all().delete()
    move_clock(queued, minutes=5)
    seen = [Job.objects.get(id=queued.id) for _ in range(3)]
    assert [upkeep.rewake(job) for job in seen] == [True, False, False]
    assert Message.objects.count() == 1


def test_old_notes_of_failed_tasks_are_removed():
    now = timezone.now()
    for name, days in (("old", 200), ("young", 1)):
        stopped = now - datetime.timedelta(days=days)
        Task.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=False)
    assert numbers(housekeeping.sweep(all_chores=True))["old notes of failed tasks removed"] == 1
    assert [task.id for task in Task.objects.all()] == ["young"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_dry_run_changes_nothing_and_says_what_it_would_do(command, ancient, submit, request):
    request.getfixturevalue("stalled") if command == "reap_jobs" else None
    before = list(Job.objects.order_by("id").values())
    text = run(command, "--dry-run")
    assert list(Job.objects.order_by("id").values()) == before
    assert all(line.startswith("would be: ") for line in text.splitlines())
    assert text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_prints_counts_and_is_idempotent(command, ancient):
    assert ": " in run(command)
    second = run(command)
    assert all(line.endswith(": 0") for line in second.splitlines()), second


def test_purge_takes_its_age_from_the_command_line(expired):
    housekeeping.expire_results()
    assert run("purge_jobs", "--days", "30") == "jobs purged: 0\n"
    assert run("purge_jobs", "--days", "1") == "jobs purged: 1\n"


def test_an_age_of_zero_is_not_the_default_age(media, expired):
    housekeeping.expire_results()
    assert run("purge_jobs", "--days", "0") == "jobs purged: 1\n"
    default_storage.save("videos/bb/orphan.mp4", ContentFile(b"12345"))
    assert "orphaned files removed: 1\n" in run("remove_orphans", "--hours", "0")
    assert not default_storage.exists("videos/bb/orphan.mp4")
