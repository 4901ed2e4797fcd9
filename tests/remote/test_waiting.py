"""Work that is not begun yet: its user is told so, and no progress is made up."""

import datetime

import pytest
from django.db.models.functions import Now

from jobs import errand, lifecycle
from jobs.models import Job, RemoteTask
from jobs.providers.remote import IN_QUEUE
from tests.remote.cases import CASES
from tests.remote.watching import PATIENCE, eventually

FAL = next(case for case in CASES if case.name == "fal")

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", [FAL], indirect=True, ids=["fal"])]


def test_what_waits_in_the_providers_queue_says_so_and_makes_no_progress(
    far, drive, submit, stand_in, step, task_of
):
    stand_in.takes = 3600.0
    job = submit(expected_seconds=600.0)
    first = drive()
    [work] = eventually(lambda: [*stand_in.works.values()])
    eventually(lambda: step(job) == (IN_QUEUE, 0.0))
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    RemoteTask.objects.update(intended_at=Now() - datetime.timedelta(seconds=600))  # as if it waited for long
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    drive()
    polls = work.polls
    eventually(lambda: work.polls > polls + 3)
    assert step(job) == (IN_QUEUE, 0.0)
    work.since -= 0.3 * work.takes
    eventually(lambda: step(job)[0] == errand.ESTIMATED)
    assert step(job)[1] < 0.5  # by the time since it was begun: after the time in the queue it would be done
