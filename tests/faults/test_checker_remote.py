"""The storm's checker names every violation that is planted in what was submitted to providers."""

import dataclasses

import pytest

from tests.faults import checker_books, planting
from tests.faults.provider_journal import Taken

pytestmark = pytest.mark.slow

AGAIN = (
    "INSERT INTO jobs_remotetask (job_id, key, model, account, state, remote_id, urls, is_final, detail, "
    "failure_code, currency, is_cost_reported, needs_review, intended_at, taken_at, closed_at) "
    "SELECT '{job}', '{key}', model, account, '{state}', '', urls, is_final, detail, failure_code, currency, "
    "is_cost_reported, needs_review, intended_at, taken_at, closed_at FROM jobs_remotetask "
    "WHERE remote_id = 'work-bought'"
)


@pytest.fixture
def plant(installation):
    """Change the submission of an order that is not a refusal; return what is named then."""

    def change(key, change):
        job_id = planting.hex_of(installation.order(key).job_id)
        installation.plant(
            f"UPDATE jobs_remotetask SET {change} WHERE job_id = '{job_id}' AND state <> 'refused'"
        )
        return installation.violations()

    return change


@pytest.fixture
def submit(installation):
    """Plant one more submission of an order; return what is named then."""

    def insert(key, state):
        job_id = planting.hex_of(installation.order(key).job_id)
        more = AGAIN.format(job=job_id, key="7" * 32, state=state)
        installation.plant("DROP INDEX remotetask_paid_for_once", more)
        return installation.violations()

    return insert


def about(installation, key):
    job_id = installation.order(key).job_id
    job = next(row for row in checker_books.read(installation.url).jobs if row["id"] == job_id)
    return f"remote: job {job_id} ({job['model']}, {job['status']}, attempt {job['attempt']})"


def sold(installation, **changes):
    """What the provider has, changed for the work of one order."""
    return [
        dataclasses.replace(work, **changes) if work.work_id == "work-bought" else work
        for work in installation.works()
    ]


@pytest.mark.parametrize("state", ["intended", "unknown", "taken", "not_made"])
def test_two_submissions_that_may_have_been_taken_are_named(installation, submit, state):
    found = submit("bought", state)
    states = ["refused", "made", state]
    assert f"{about(installation, 'bought')} may have been taken more than once: {states}" in found


def test_one_more_refusal_is_no_violation(submit):
    assert submit("bought", "refused") == []


def test_two_works_of_one_job_are_named(installation):
    works = installation.works()
    works.append(dataclasses.replace(works[0], provider="farther", work_id="work-again"))
    twice = ["far work-bought", "farther work-again"]
    assert installation.violations(works=works) == [
        f"{about(installation, 'bought')} was taken 2 times: {twice}"
    ]


def test_a_work_that_no_job_has_asked_for_is_named(installation):
    work = Taken("far", "work-7", "a sea of nobody's", "done", is_findable=False)
    found = installation.violations(works=[*installation.works(), work])
    assert found == ['remote: far has work-7 of no job of ours: "a sea of nobody\'s"']


@pytest.mark.parametrize("key", ["bought", "unmade", "unheard"])
def test_a_job_that_has_ended_and_is_still_waited_for_is_named(installation, plant, key):
    found = plant(key, "closed_at = NULL")
    assert any(line.startswith(f"{about(installation, key)} has ended and is still") for line in found), found


@pytest.mark.parametrize("state", ["intended", "unknown", "taken"])
def test_a_video_that_no_provider_has_made_is_named(installation, plant, state):
    found = plant("bought", f"state = '{state}'")
    states = ["refused", state]
    assert found == [
        f"{about(installation, 'bought')} is completed and no provider has made its video: {states}"
    ]


def test_a_video_of_a_job_that_was_never_submitted_is_named(installation):
    job_id = planting.hex_of(installation.order("bought").job_id)
    installation.plant(f"DELETE FROM jobs_remotetask WHERE job_id = '{job_id}'")
    text = about(installation, "bought")
    assert installation.violations() == [
        f"{text} is completed and no provider has made its video: []",
        f"{text} was taken by far as work-bought, and we say []",
    ]


@pytest.mark.parametrize("state", ["intended", "unknown", "taken", "made"])
def test_what_may_have_to_be_paid_for_and_nobody_is_told_of_is_named(installation, plant, state):
    found = plant("unheard", f"state = '{state}', needs_review = FALSE")
    text = f"{about(installation, 'unheard')} may have to be paid for ({state}), and nobody is told"
    assert any(line.startswith(text) for line in found), found


def test_a_video_of_a_work_that_the_provider_has_failed_is_named(installation, plant):
    text = about(installation, "bought")
    expected = f"{text} is completed, and its provider has ended it without a video"
    assert expected in plant("bought", "state = 'not_made'")


@pytest.mark.parametrize("stage", ["failed", "flagged", "cancelled", "running"])
def test_a_video_is_named_where_the_provider_itself_knows_of_none(installation, stage):
    text = about(installation, "bought")
    assert installation.violations(works=sold(installation, stage=stage)) == [
        f"{text} is completed, and at far it is {stage}",
        f"{text} is made, and at far it is {stage}",
    ]


def test_a_failure_is_named_that_the_provider_knows_nothing_of(installation):
    works = [
        dataclasses.replace(work, stage="done") if work.work_id == "work-unmade" else work
        for work in installation.works()
    ]
    assert installation.violations(works=works) == [
        f"{about(installation, 'unmade')} is not_made, and at far it is done"
    ]


def test_a_work_that_was_noted_as_refused_is_named(installation, plant):
    text = f"{about(installation, 'unmade')} was taken by far as work-unmade, and we say ['refused']"
    assert text in plant("unmade", "state = 'refused'")


def test_a_work_that_the_provider_does_not_have_is_named(installation):
    text = about(installation, "bought")
    assert installation.violations(works=sold(installation, work_id="work-7")) == [
        f"{text} is work-bought at far, which has no such work of it"
    ]


def test_a_cancelled_job_that_was_submitted_is_named(installation, submit):
    found = submit("cancelled", "unknown")
    assert f"{about(installation, 'cancelled')} is cancelled and was submitted: ['unknown']" in found


@pytest.mark.parametrize("state", ["unknown", "taken", "made"])
def test_a_cancelled_job_is_named_that_its_provider_may_be_at_work_on(installation, plant, state):
    text = f"{about(installation, 'stopped')} is cancelled and was submitted: ['{state}']"
    assert text in plant("stopped", f"state = '{state}'")


@pytest.mark.parametrize("stage", ["running", "done", "failed"])
def test_a_cancelled_job_is_named_that_its_provider_has_not_cancelled(installation, stage):
    works = [
        dataclasses.replace(work, stage=stage) if work.work_id == "work-stopped" else work
        for work in installation.works()
    ]
    text = f"{about(installation, 'stopped')} is cancelled, and at far it is {stage}"
    assert text in installation.violations(works=works)


def test_a_job_is_named_that_was_given_up_though_its_provider_could_tell_of_it(installation):
    job_id = installation.order("unheard").job_id
    books = checker_books.read(installation.url)
    prompt = next(row["prompt"] for row in books.jobs if row["id"] == job_id)
    work = Taken("far", "work-unheard", prompt, "done", is_findable=True)
    assert installation.violations(works=[*installation.works(), work]) == [
        f"{about(installation, 'unheard')} was given up, and far could have told that it has it"
    ]
    work = dataclasses.replace(work, is_findable=False)
    assert installation.violations(works=[*installation.works(), work]) == []


@pytest.mark.parametrize(
    "answer", ["state = 'taken', taken_at = intended_at", "state = 'refused', closed_at = intended_at"]
)
def test_a_job_is_named_that_was_given_up_though_its_provider_has_answered(installation, plant, answer):
    job_id = installation.order("unheard").job_id
    found = plant("unheard", answer)
    text = f"told: job {job_id} '' was given up although it had tries left: provider_timeout, attempt 1"
    assert any(line.startswith(text) for line in found), found


@pytest.mark.parametrize(
    "answer",
    ["state = 'taken', taken_at = '2999-01-01'", "state = 'refused', closed_at = '2999-01-01'"],
)
def test_an_answer_that_came_after_the_end_changes_nothing(plant, answer):
    assert plant("unheard", answer) == []


def test_only_a_job_that_a_provider_has_may_be_tried_more_often_than_others(installation):
    jobs = [planting.hex_of(installation.order(key).job_id) for key in ("bought", "kept")]
    names = ", ".join(f"'{job}'" for job in jobs)
    installation.plant(f"UPDATE jobs_job SET attempt = 7 WHERE id IN ({names})")
    assert installation.violations() == [
        f"told: job {installation.order('kept').job_id} '' was tried 7 times"
    ]
