"""What a user is told meanwhile is true: whose progress it is, and what the job waits for."""

import pytest
from django.db.models import F

from jobs import catalogue, errand, lifecycle, remote_tasks, upstreams
from jobs.models import Job, Upstream
from jobs.providers.base import FailureCode
from tests.remote.cases import CASES
from tests.remote.watching import eventually

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]


@pytest.fixture
def says(stand_in):
    """Have the provider say how far it is, in per cent; None: that it does not know."""
    said = [None]
    there = stand_in.shown

    def shown(work):
        return {**there(work), "status": "in_progress", "progress": said[0] or 0}

    stand_in.shown = shown
    return lambda per_cent: said.__setitem__(0, per_cent)


def test_progress_that_the_provider_does_not_tell_is_estimated_and_says_so(
    far, drive, submit, stand_in, says, step
):
    stand_in.takes = 60.0
    job = submit(expected_seconds=4.0)
    drive()
    eventually(lambda: step(job)[1] >= 0.3)
    assert step(job)[0] == errand.ESTIMATED
    eventually(lambda: step(job)[1] > errand.ESTIMATED_MOST - 2 * errand.NEWS)
    [work] = stand_in.works.values()
    polls = work.polls
    eventually(lambda: work.polls > polls + 3)
    assert step(job)[1] <= errand.ESTIMATED_MOST  # never done before it is


def test_an_estimate_is_not_shown_as_the_providers_word_when_that_says_less(
    far, drive, submit, stand_in, says, step
):
    stand_in.takes = 60.0
    job = submit(expected_seconds=4.0)
    drive()
    eventually(lambda: step(job)[1] >= 0.3)
    says(2)
    [work] = stand_in.works.values()
    polls = work.polls
    eventually(lambda: work.polls > polls + 3)
    told, share = step(job)
    assert (told, share >= 0.3) == (errand.ESTIMATED, True)
    says(97)
    eventually(lambda: step(job) == (errand.MAKING, errand.ESTIMATED_MOST))


def test_a_word_that_nobody_has_heard_of_is_not_shown_and_logged_once_a_job(
    far, drive, submit, stand_in, step, caplog
):
    stand_in.takes = 60.0
    jobs = [submit(f"A strange sea {number} [strange]", expected_seconds=60.0) for number in range(2)]
    drive()
    eventually(lambda: all(step(job)[0] in {errand.MAKING, errand.ESTIMATED} for job in jobs))
    eventually(lambda: min(work.polls for work in stand_in.works.values()) > 5)
    said = [record.getMessage() for record in caplog.records if "'warming_up'" in record.getMessage()]
    assert sorted(said) == sorted(f"job {job.id}: far says 'warming_up', taken for at work" for job in jobs)


def test_a_job_for_which_the_account_has_no_room_waits_for_its_turn(
    far, gate, drive, submit, stand_in, step, short_pauses
):
    """It had room when it was claimed. Before it is submitted, another worker takes the last place."""
    far(in_flight=1)
    elsewhere = lifecycle.claim(submit("Wave 1").id, worker="elsewhere")
    shut, waiting = gate(), submit("Wave 2")
    drive()
    eventually(shut.reached.is_set)
    route = catalogue.get("far").adapter().route
    remote_tasks.intend(elsewhere, route, key=elsewhere.id, in_flight=1)
    shut.open.set()
    eventually(lambda: step(waiting)[0] == upstreams.TURN)
    assert "The account is full." in waiting.events.get(verb="release").message
    lifecycle.fail(elsewhere, code=FailureCode.INTERNAL_ERROR, detail="")
    eventually(lambda: stand_in.submits_of("Wave 2"))


def test_a_job_that_was_refused_for_a_moment_waits_for_its_turn(
    far, drive, submit, stand_in, step, short_pauses
):
    job = submit("A quiet sea [busy]")
    drive()
    eventually(lambda: step(job)[0] == upstreams.TURN)
    eventually(lambda: Job.objects.get(id=job.id).status == "completed")


def test_a_job_whose_provider_is_not_there_is_told_so(far, drive, submit, stand_in, step, short_pauses):
    stand_in.stop_listening()
    job = submit()
    drive()
    eventually(lambda: step(job)[0] == upstreams.DOWN)
    stand_in.listen_again()
    Upstream.objects.update(closed_until=F("changed_at"))  # the pause, that a person would sit out
    eventually(lambda: Job.objects.get(id=job.id).status == "completed")


def test_all_accounts_of_a_job_must_be_down_for_it_to_say_so(far, settings, transactional_db):
    entry = settings.VIDEO_MODELS["far"]
    other = {**entry, "remote": {**entry["remote"], "account": "other"}}
    settings.VIDEO_MODELS = {"far": entry, "farther": other}
    models = [catalogue.get("far"), catalogue.get("farther")]
    assert upstreams.wait(models) == upstreams.TURN
    Upstream.objects.create(account="FAR_KEY", failures=2)
    assert (upstreams.wait(models[:1]), upstreams.wait(models)) == (upstreams.DOWN, upstreams.TURN)
    Upstream.objects.create(account="other", failures=1)  # a single one may be an accident
    assert upstreams.wait(models) == upstreams.TURN
    Upstream.objects.filter(account="other").update(failures=2)
    assert upstreams.wait(models) == upstreams.DOWN
