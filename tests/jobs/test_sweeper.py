"""The supervisor's sweep goes on, whatever a chore comes upon."""

import threading
import time

import pytest
from django.db import InternalError, connection
from django.db.models import F

from jobs import housekeeping, lifecycle, sweeper
from jobs.housekeeping import Count
from jobs.models import Chore, Job, JobEvent
from jobs.sweeper import Round, Sweeper
from tests.jobs.making import move_clock, order_for

pytestmark = pytest.mark.django_db(transaction=True)


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture
def sweep():
    """Start a sweeper with rounds of the test's own."""
    started = []

    def start(*rounds):
        started.append(Sweeper(rounds))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()
        for thread in each._threads:  # one that writes on would meet the next test's database
            thread.join(60)


def often(name, *chores, is_due=lambda: True):
    return Round(name=name, chores=chores, is_due=is_due, look=0.05)


@pytest.mark.parametrize(
    "error", [InternalError("read-only"), UnicodeEncodeError("utf-8", "\udcff", 0, 1, "no")]
)
def test_a_chore_that_fails_ends_neither_the_other_chores_nor_the_sweeper(sweep, error, caplog):
    done = []

    def fail():
        raise error

    def work():
        done.append(1)
        return [Count("things done", 1)]

    running = sweep(often("some", fail, work))
    assert within(60, lambda: len(done) > 2)
    assert running.is_alive()
    assert "a chore of the sweep failed" in caplog.text


def test_not_knowing_whether_something_is_due_is_no_end_either(sweep):
    asked = []

    def is_due():
        asked.append(1)
        raise InternalError("read-only")

    running = sweep(often("some", is_due=is_due))
    assert within(60, lambda: len(asked) > 2)
    assert running.is_alive()


def test_a_long_round_holds_up_neither_the_others_nor_the_end(sweep, monkeypatch):
    monkeypatch.setattr(sweeper, "LOOK_SECONDS", 0.2)  # the moment that it gets
    begun, released, ended, done = threading.Event(), threading.Event(), threading.Event(), []

    def last_an_hour():
        begun.set()
        released.wait(120)
        ended.set()
        return []

    running = sweep(often("long", last_an_hour), often("short", lambda: done.append(1) or []))
    assert begun.wait(60)
    seen = len(done)
    assert within(60, lambda: len(done) > seen + 2)
    running.stop()
    assert not ended.is_set()
    released.set()


def test_it_begins_no_further_chore_once_it_is_to_stop(sweep):
    begun, released, done = threading.Event(), threading.Event(), []

    def first():
        begun.set()
        released.wait(60)
        return []

    running = sweep(often("some", first, lambda: done.append(1) or []))
    assert begun.wait(60)

    def end_the_first():
        running._stopping.wait(60)
        released.set()

    threading.Thread(target=end_the_first).start()
    running.stop()
    [thread] = running._threads
    thread.join(60)
    assert done == []


def test_everything_is_swept_by_a_supervisor_in_rounds_of_their_own(alice, sweep, settings, tmp_path):
    settings.WORK_DIR = tmp_path / "work"
    job = lifecycle.submit(order_for(alice))
    move_clock(job, hours=7)
    sweep(*sweeper.rounds())
    assert within(60, lambda: Job.objects.finished().filter(id=job.id).exists())
    assert within(60, lambda: set(Chore.objects.values_list("name", flat=True)) == {"sweep", "daily"})


def test_of_many_supervisors_one_sweeps_and_again_when_it_is_due(together, alice, settings):
    def sweep_if_due():
        [minutely, *_] = sweeper.rounds()
        if minutely.is_due():
            for chore in minutely.chores:
                chore()
            return 1
        return 0

    def cancelled_yesterday():
        job = lifecycle.submit(order_for(alice))
        lifecycle.cancel(job)
        move_clock(job, hours=25)
        return job

    job = cancelled_yesterday()
    assert sum(together(lambda _: sweep_if_due(), range(6))) == 1
    assert JobEvent.objects.filter(job=job).count() == 2
    assert Job.objects.get(id=job.id).cleared_at
    later = cancelled_yesterday()
    assert sweep_if_due() == 0
    assert Job.objects.get(id=later.id).cleared_at is None
    Chore.objects.update(done_at=F("done_at") - settings.SWEEP_EVERY)
    assert sweep_if_due() == 1
    assert Job.objects.get(id=later.id).cleared_at


def test_the_daily_chores_are_taken_by_one_supervisor_a_day(together):
    take = lambda _: housekeeping.take_turn("daily", sweeper.DAY)  # noqa: E731
    assert sum(together(take, range(6))) == 1
    Chore.objects.update(done_at=F("done_at") - sweeper.DAY)
    assert sum(together(take, range(6))) == 1


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only PostgreSQL refuses one row and not the rest"
)
def test_a_job_whose_row_the_database_refuses_does_not_stop_the_others(alice):
    poison, other = (lifecycle.submit(order_for(alice)) for _ in range(2))
    for job in (poison, other):
        move_clock(job, hours=7)
    refuse = f"ALTER TABLE jobs_job ADD CONSTRAINT stuck CHECK (id <> '{poison.id}' OR status = 'queued')"
    with connection.cursor() as cursor:
        cursor.execute(refuse)
    try:
        housekeeping.reap_jobs()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_job DROP CONSTRAINT stuck")
    statuses = dict(Job.objects.values_list("id", "status"))
    assert (statuses[poison.id], statuses[other.id]) == ("queued", "failed")
