"""A worker keeps its job through what can go slow or away for a moment."""

import datetime
import math
import threading
import time

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection, connections

from jobs import clock, holding, lifecycle, runner
from jobs.errors import JobLost
from jobs.holding import Hold
from jobs.models import Job, JobEvent
from jobs.providers.base import FailureCode
from jobs.states import Status

SHORT_LEASE = datetime.timedelta(seconds=5)
PIECES = 32
PIECE_SECONDS = 0.25  # all of them together take longer than the short lease


class SlowDisk(FileSystemStorage):
    """A storage that takes its time over each piece of a video, and shortens the lease before the first.

    Only then: a busy machine may need longer to make the video.
    """

    def _save(self, name, content):
        if name.endswith(".mp4"):
            django_settings.JOB_LEASE = SHORT_LEASE
            Job.objects.running().update(lease_expires_at=clock.lease())
            for _ in content.chunks(chunk_size=math.ceil(content.size / PIECES)):
                time.sleep(PIECE_SECONDS)
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
def test_what_must_be_written_is_tried_again_while_the_lease_runs(processing, monkeypatch):
    monkeypatch.setattr(holding, "PAUSE", 0.1)
    assert Hold(processing).insist(Away(2)) == "done"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_tried_once_the_lease_is_over(processing, settings, monkeypatch):
    monkeypatch.setattr(holding, "PAUSE", 0.1)
    settings.JOB_LEASE = datetime.timedelta(seconds=0.3)
    with pytest.raises(OperationalError):
        Hold(processing).insist(Away(10))


@pytest.mark.django_db
def test_what_the_database_says_of_the_job_is_not_endured(processing):
    lifecycle.fail(processing, code=FailureCode.INTERNAL_ERROR, detail="staff")
    with pytest.raises(JobLost):
        Hold(processing).renew(0.5, "On")


@pytest.mark.django_db
def test_progress_is_written_at_most_every_half_second(processing, fresh, monkeypatch):
    monkeypatch.setattr(holding, "WRITE_EVERY", 60.0)  # longer than a busy machine takes for two lines
    hold = Hold(processing)
    hold.renew(0.1, "Now")
    hold.report(0.9, "Too soon")
    assert fresh(processing).progress == 0.1
    hold._tried -= holding.WRITE_EVERY
    hold.report(0.9, "In time")
    assert fresh(processing).progress == 0.9


@pytest.mark.django_db(transaction=True)
def test_a_store_slower_than_the_lease_does_not_lose_the_job(submit, fresh, settings):
    settings.WORK_DIR = settings.MEDIA_ROOT / "work"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": f"{__name__}.SlowDisk", "OPTIONS": {"location": str(settings.MEDIA_ROOT)}},
    }
    job = submit(prompt="a sea")
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
    while fresh(job).progress == 0 and thread.is_alive():
        time.sleep(0.1)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", pids)
    thread.join(60)
    assert (fresh(job).status, fresh(job).attempt) == (Status.COMPLETED, 1)
