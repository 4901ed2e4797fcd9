"""A submit whose reply was lost is looked for in the provider's list: how far, and for how long."""

import dataclasses
import datetime
import json
import re
import uuid

import pytest
from django.db.models import F

from dust import ledger
from jobs.models import RemoteTask
from jobs.providers.base import FailureCode
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.stand_ins.replicate import ReplicateStandIn
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import PATIENCE, ended

FINDING = [case for case in CASES if case.finds]
KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HOUR = 3600.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("case", FINDING, indirect=True, ids=lambda case: case.name),
]


def renamed(work):
    """Have it asked for by a key that is nobody's."""
    return json.loads(KEY.sub(str(uuid.uuid4()), json.dumps(work.asked)))


@pytest.fixture
def pages(stand_in):
    """Where each page of the list began that was asked for."""
    stand_in.page, began, there = 2, [], stand_in.listed

    def listed(asked):
        began.append(int(asked.query.get("offset") or asked.query.get("cursor") or 0))
        return there(asked)

    stand_in.listed = listed
    return began


@pytest.fixture
def among(stand_in, pages):
    """Have so many other works in the list, made an hour before, or after, the one that was lost."""

    def put(*, older=0, newer=0, is_there=True):
        there = stand_in.listed

        def listed(asked):
            if len(stand_in.works) == 1:
                [work] = stand_in.works.values()
                before = [other(work, since=work.since - HOUR) for _ in range(older)]
                if not is_there:
                    work.asked = renamed(work)
                known = [*before, work, *(other(work) for _ in range(newer))]
                stand_in.works = {each.id: each for each in known}
            return there(asked)

        def other(work, **changes):
            fields = {"id": stand_in.new_id(), "prompt": "Another", "asked": renamed(work), **changes}
            return dataclasses.replace(work, **fields)

        stand_in.listed = listed

    return put


def given_up(job):
    """Return why, and for how many seconds it was looked for."""
    task = RemoteTask.objects.to_review().get(job_id=job.id)
    assert (job.status, job.failure_code) == ("failed", FailureCode.PROVIDER_TIMEOUT)
    return task.detail, (job.finished_at - task.intended_at).total_seconds()


def test_it_is_found_behind_newer_works_of_the_account(finish, submit, stand_in, pages, among, alice):
    among(newer=5)
    job = finish(submit(prompt := "A quiet sea [lost]"))
    assert (job.status, stand_in.submits_of(prompt)) == ("completed", 1)
    assert pages == [0, 2, 4]
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_works_from_before_the_submit_are_not_looked_through(far, finish, submit, pages, among):
    far(unknown_seconds=0.5)
    among(older=5, is_there=False)
    why, _ = given_up(finish(submit("A quiet sea [lost]")))
    assert "could not be found at the provider" in why
    assert set(pages) == {0}


def test_ten_pages_are_looked_through_at_most(far, finish, submit, pages, among):
    far(unknown_seconds=0.5)
    among(newer=50, is_there=False)
    why, _ = given_up(finish(submit("A quiet sea [lost]")))
    assert "could not be found at the provider" in why
    assert set(pages) == set(range(0, 20, 2))


def test_a_page_that_is_not_the_providers_is_not_asked_for(far, finish, submit, stand_in, among):
    far(unknown_seconds=0.2)
    among(newer=5)
    there = stand_in.listed
    with ReplicateStandIn() as other:

        def listed(asked):
            answer = there(asked)
            return dataclasses.replace(answer, body={**answer.body, "next": f"{other.base_url}/predictions"})

        stand_in.listed = listed
        job = finish(submit("A quiet sea [lost]"))
        assert other.asked == []
    if isinstance(stand_in, ReplicateStandIn):
        assert "could not be looked for" in given_up(job)[0]
    else:  # it has no addresses of pages
        assert job.status == "completed"


@pytest.fixture
def finish_later(drive, stand_in):
    """Drive a job to its end. With each of the first looks for it, so many seconds more have gone by."""

    def until(job, *spans):
        for number, seconds in enumerate(spans):
            look = stand_in.hold(lambda asked: asked.method == "GET")
            if number == 0:
                drive()
            assert look.reached.wait(PATIENCE)
            earlier = F("intended_at") - datetime.timedelta(seconds=seconds)
            RemoteTask.objects.filter(job_id=job.id).update(intended_at=earlier)
            look.release()
        return ended(job)

    return until


def test_while_no_look_is_answered_it_is_looked_for_longer(far, finish_later, submit, stand_in):
    far(unknown_seconds=30.0)
    there, looks = stand_in.listed, []

    def listed(asked):
        looks.append(asked)
        return there(asked) if len(looks) > 1 else Answer(503, b"")

    stand_in.listed = listed
    job = finish_later(submit(prompt := "A quiet sea [lost]"), 60)
    assert (job.status, stand_in.submits_of(prompt)) == ("completed", 1)


def test_but_not_for_ever(far, finish, submit, stand_in):
    far(unknown_seconds=0.2)
    stand_in.listed = lambda asked: Answer(503, b"")
    why, seconds = given_up(finish(submit("A quiet sea [lost]")))
    assert "could not be looked for" in why
    assert seconds >= 2.0


def test_nor_for_longer_than_the_whole_work_may_take(far, settings, finish_later, submit, stand_in):
    far(unknown_seconds=30.0)
    settings.VIDEO_MODELS = {"far": {**settings.VIDEO_MODELS["far"], "timeout_seconds": 150}}
    stand_in.listed = lambda asked: Answer(503, b"")
    # there is a second look, for the work may take longer than the first 60 seconds
    _, seconds = given_up(finish_later(submit("A quiet sea [lost]"), 60, 150))
    assert 210 <= seconds < 300  # where ten times the usual would be over
