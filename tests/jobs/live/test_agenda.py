"""What is looked at next: what has changed first, and no more at once than a statement can."""

import time
import uuid

import pytest

from jobs.live.agenda import MOST, Agenda
from jobs.live.listener import Listener


@pytest.fixture
def agenda():
    return Agenda()


def ids(number):
    return [uuid.uuid4() for _ in range(number)]


def watching(queued):
    listener = Listener(uuid.uuid4())
    listener.queued.update(queued)
    return listener


def taken(agenda):
    """The jobs and the users of all looks until nothing is left, each look by itself."""
    looks = []
    while points := agenda.take():
        looks += [(each.jobs, each.users) for each in points]
    return looks


def test_what_changed_is_looked_at_in_the_order_in_which_it_came_and_so_much_at_once(agenda):
    jobs, users = ids(2 * MOST + 1), ids(MOST + 1)
    for job_id in jobs:
        agenda.look_at_job(job_id)
    agenda.look_at_users(users, since=0.0)
    assert taken(agenda) == [
        (set(jobs[:MOST]), set()),
        (set(), set(users[:MOST])),
        (set(jobs[MOST : 2 * MOST]), set()),
        (set(), {users[-1]}),
        ({jobs[-1]}, set()),
    ]


def test_users_who_have_to_wait_for_their_look_lose_no_time(agenda):
    agenda.look_at_users(ids(MOST + 1), since=5.0)
    assert [points.moment for _ in range(2) for points in agenda.take()] == [5.0, 5.0]
    agenda.look_at_users(ids(1), since=time.monotonic())
    [points] = agenda.take()
    assert points.moment > 5.0


def test_queued_jobs_are_looked_at_apart_from_what_changed_and_only_when_due_again_after_a_failure(agenda):
    changed, queued = uuid.uuid4(), ids(MOST + 1)
    listener = watching(queued)
    agenda.look_at_job(changed)
    agenda.add_what_is_due([listener])
    first, _, second = agenda.take()  # between them: all that their users have, at the first time
    assert (first.jobs, first.is_routine) == ({changed}, False)
    assert (len(second.jobs), second.is_routine) == (MOST, True)
    agenda.looked_at(first, seconds=0.01)
    agenda.failed(second, seconds=3600.0)
    agenda.add_what_is_due([listener])
    remaining = [jobs for jobs, _ in taken(agenda)]
    assert all(jobs.isdisjoint(queued) for jobs in remaining)


def test_long_looks_at_queued_jobs_are_braked_though_each_went_well(agenda):
    listener = watching(ids(1))
    agenda.add_what_is_due([listener])
    _, routine = agenda.take()
    assert routine.is_routine
    agenda.looked_at(routine, seconds=3600.0)
    agenda.add_what_is_due([listener])
    assert taken(agenda) == []


def test_what_could_not_be_looked_at_comes_back_in_ever_smaller_parts_until_each_is_alone(agenda):
    """One job that can't be looked at, or a database that is away."""
    bad, good = uuid.uuid4(), set(ids(20))
    for job_id in [bad, *good]:
        agenda.look_at_job(job_id)
    told, looks = set(), 0
    while told < good:
        [points] = agenda.take()
        looks += 1
        assert looks < 200
        if bad in points.jobs:
            agenda.failed(points, seconds=0.0)
        else:
            agenda.looked_at(points, seconds=0.0)
            told |= points.jobs
    assert taken(agenda) == [({bad}, set())]
