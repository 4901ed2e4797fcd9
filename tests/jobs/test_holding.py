"""A worker keeps its job through what can go slow or away for a moment."""

import threading
import time

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection, connections

from jobs import holding, lifecycle, runner
from jobs.errors import JobLost
from jobs.holding import Hold
from jobs.models import JobEvent
from jobs.providers.base import FailureCode
from jobs.states import Status


class SlowDisk(FileSystemStorage):
    """A storage that takes its time over each chunk."""

    def _save(self, name, content):
        for _ in content.chunks(chunk_size=20_000):
            time.sleep(0.25)
        content.seek(0)
        return super()._save(name, content)


class Away:
    """A verb that the database refuses a few times."""

    def __init__(self, times):
        self.left = times

    def __call__(self):
        self.left -= 1
        if self.left >= 0:
            raise OperationalError("the server closed the connection")
        return "done"


@pytest.mark.django_db(transaction=True)
def test_what_must_be_written_is_tried_again_while_the_lease_runs(processing):
    assert Hold(processing).insist(Away(2)) == "done"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_tried_once_the_lease_is_over(processing, settings):
    settings.JOB_LEASE = settings.JOB_LEASE / 30
    with pytest.raises(OperationalError):
        Hold(processing).insist(Away(10))


@pytest.mark.django_db
def test_what_the_database_says_of_the_job_is_not_endured(processing):
    lifecycle.fail(processing, code=FailureCode.INTERNAL_ERROR, detail="staff")
    with pytest.raises(JobLost):
        Hold(processing).renew(0.5, "On")


@pytest.mark.django_db
def test_progress_is_written_at_most_every_half_second(processing, fresh):
    hold = Hold(processing)
    hold.renew(0.1, "Now")
    hold.report(0.9, "Too soon")
    assert fresh(processing).progress == 0.1
    time.sleep(holding.WRITE_EVERY)
    hold.report(0.9, "In time")
    assert fresh(processing).progress == 0.9


@pytest.mark.django_db(transaction=True)
def test_a_store_slower_than_the_lease_does_not_lose_the_job(submit, fresh, settings):
    settings.WORK_DIR = settings.MEDIA_ROOT / "work"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": f"{__name__}.SlowDisk", "OPTIONS": {"location": str(settings.MEDIA_ROOT)}},
    }
    settings.JOB_LEASE = (
        settings.JOB_LEASE / 5
    )  # half of what storing takes; a busy machine renders within it
    job = submit(prompt="a sea", model="preview", resolution="hd_720p")
    thread = threading.Thread(target=lambda: (runner.run(job.id, worker="w1"), connections.close_all()))
    thread.start()
    while thread.is_alive():
        now = fresh(job)
        if now.status == Status.PROCESSING:
            lifecycle.reap(now)
        time.sleep(0.1)
    assert (fresh(job).status, fresh(job).attempt) == (Status.COMPLETED, 1)
    assert not JobEvent.objects.filter(job=job, verb="reap").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a connection of SQLite has nothing to lose")
def test_a_connection_cut_in_the_middle_of_a_render_costs_nothing(submit, fresh, settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    job = submit(prompt="[slow 6] a sea")
    pids = []

    def work():
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.extend(cursor.fetchone())
        runner.run(job.id, worker="w1")
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    while fresh(job).progress == 0:
        time.sleep(0.1)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", pids)
    thread.join(60)
    assert (fresh(job).status, fresh(job).attempt) == (Status.COMPLETED, 1)
