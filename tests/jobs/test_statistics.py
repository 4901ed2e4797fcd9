"""The installation's numbers don't need all jobs counted each time."""

import datetime

import pytest
from django.db import connection
from django.db.models.functions import Now

from base.ids import uuid7
from jobs import housekeeping, lifecycle, statistics
from jobs.models import Job, Tally
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock, order_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(alice, tmp_path):
    """A completed, a failed and a cancelled job; the first two count."""

    def make():
        done, failed, cancelled = (lifecycle.submit(order_for(alice, cost=1)) for _ in range(3))
        done = lifecycle.claim(done.id, worker="w1")
        lifecycle.accept(done)
        finish(done, tmp_path)
        lifecycle.fail(failed, code=FailureCode.INTERNAL_ERROR, detail="")
        lifecycle.cancel(cancelled)
        return [done, failed, cancelled]

    return make


def processed():
    return statistics._count()["jobs_processed"]


def tallied():
    return Tally.objects.get(name="processed").number


def test_a_tally_changes_nothing_that_is_told(ended):
    for job in ended():
        move_clock(job, hours=1)
    ended()
    assert processed() == 4
    for _ in range(2):
        statistics.tally()
        assert (processed(), tallied()) == (4, 2)


def test_the_latest_jobs_are_left_for_the_next_tally(ended):
    jobs = ended()
    statistics.tally()
    assert (processed(), tallied()) == (2, 0)
    Tally.objects.update(until=statistics.BEGINNING)
    for job in jobs:
        move_clock(job, minutes=11)
    statistics.tally()
    assert (processed(), tallied()) == (2, 2)


def test_purged_jobs_stay_counted(ended):
    for job in ended():
        move_clock(job, days=100)
    housekeeping.sweep(all_chores=True)  # clears them, and tallies
    housekeeping.purge_jobs(age=datetime.timedelta(days=90))
    assert not Job.objects.exists()
    assert processed() == 2


def test_a_dry_run_tallies_nothing(ended):
    ended()
    housekeeping.sweep(dry_run=True)
    assert not Tally.objects.exists()


def test_a_tally_that_waited_for_another_does_not_set_its_mark_back(ended):
    """On PostgreSQL its clock stands still while it waits for the other's lock."""
    ended()
    later = Job.objects.values_list(Now(), flat=True)[0] + datetime.timedelta(hours=1)
    Tally.objects.create(name=statistics.PROCESSED, until=later)
    statistics.tally()
    assert Tally.objects.get().until == later


def test_two_sweeps_at_once_count_each_job_once(transactional_db, ended, together):
    for job in ended():
        move_clock(job, hours=1)
    together(lambda _: statistics.tally(), range(4))
    assert (processed(), tallied()) == (2, 2)


def plan(**wanted):
    return Job.objects.filter(**wanted).newest_first()[:20].explain()


def test_overdue_jobs_are_found_by_an_index(indexes):
    assert "job_waiting" in Job.objects.overdue().in_turn()[:20].explain()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite can't tell that a parameter fits the index")
def test_deserted_jobs_are_found_by_an_index(indexes):
    deserted = Job.objects.deserted(datetime.timedelta(hours=6)).order_by("woken_at")
    assert "job_lease" in deserted[:20].explain()


def test_the_place_in_the_queue_is_read_from_the_index_alone(indexes):
    ahead = Job.objects.seen_now().with_queue_ahead().filter(id=uuid7()).explain()
    way = {"postgresql": "Index Only Scan using job_waiting", "sqlite": "INDEX job_waiting"}
    assert ahead.count(way[connection.vendor]) == 2


def test_jobs_of_a_rare_model_are_found_by_an_index(indexes):
    assert "job_model_newest" in plan(model="gone")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite can't tell that a parameter fits the index")
def test_rare_failures_are_found_by_an_index(indexes, alice):
    assert "job_unmade" in plan(status="failed")
    assert "unmade" in plan(user=alice, status="cancelled")
