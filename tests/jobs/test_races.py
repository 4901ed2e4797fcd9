"""Things that happen at the same moment: exactly one wins, and the money follows it."""

import random
import threading
import uuid

import pytest
from django.db import connections
from rest_framework.test import APIClient

from dust import audit, ledger
from dust.models import Transfer
from jobs import lifecycle, remote_tasks
from jobs.errors import JobLost, JobNotCancellable
from jobs.models import Job, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import Route
from jobs.states import Status
from tests.jobs.making import finish, move_clock, order_for

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(verb):
    try:
        return verb()
    except (JobLost, JobNotCancellable) as lost:
        return type(lost).__name__


def test_the_last_10_dust_and_eight_submits_at_once(alice, together, settings):
    settings.DUST_OPENING_GRANT = 10

    def send(_):
        api = APIClient()
        api.force_authenticate(alice)
        return api.post("/videos/generate", {"prompt": "a sea"}, format="json").status_code

    assert sorted(together(send, range(8))) == [202] + [402] * 7
    assert Job.objects.count() == 1
    assert ledger.balance(alice.pk).available == 0
    assert audit.violations() == []


def test_the_ceiling_on_active_jobs_holds_when_submits_come_at_once(alice, together, settings):
    settings.MAX_ACTIVE_JOBS = 3

    def send(_):
        api = APIClient()
        api.force_authenticate(alice)
        return api.post("/videos/generate", {"prompt": "a sea"}, format="json").status_code

    assert sorted(together(send, range(8))) == [202] * 3 + [429] * 5
    assert Job.objects.count() == 3


@pytest.mark.timeout(900)  # thousands of commits, each on a disk that may be busy
def test_a_thousand_cancels_against_claims(alice):
    """Two threads race through a thousand jobs; each job goes exactly one way and its money with it."""
    jobs = 1000
    account = ledger.open_account(alice.pk)
    ledger.grant(account.pk, jobs, key="race", actor="test", reason="race")
    cheap = order_for(alice, cost=1)
    queued = [lifecycle.submit(cheap, actor="test") for _ in range(jobs)]
    ready, won = threading.Barrier(2), {}

    def cancelling():
        for job in queued:
            ready.wait(60)
            won.setdefault(job.id, set()).add(outcome(lambda job=job: lifecycle.cancel(job) and "cancel"))
        connections.close_all()

    def claiming():
        for job in queued:
            ready.wait(60)
            claimed = lifecycle.claim(job.id, worker="w1")
            won.setdefault(job.id, set()).add("claim" if claimed else "not claimed")
        connections.close_all()

    threads = [threading.Thread(target=target) for target in (cancelling, claiming)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ways = {frozenset(way) for way in won.values()}
    assert ways <= {frozenset({"cancel", "not claimed"}), frozenset({"JobNotCancellable", "claim"})}
    charged = Job.objects.filter(status=Status.STARTING).count()
    released = Job.objects.filter(status=Status.CANCELLED).count()
    assert charged + released == jobs
    assert charged, "the claims never won: this was no race"
    assert released, "the cancels never won: this was no race"
    assert Transfer.objects.filter(kind="post").count() == charged
    assert Transfer.objects.filter(kind="void").count() == released
    assert ledger.balance(alice.pk).held == 0
    assert audit.violations() == []


def test_one_message_delivered_to_many_workers_is_one_claim(alice, together):
    job = lifecycle.submit(order_for(alice))
    claims = together(lambda name: lifecycle.claim(job.id, worker=f"w{name}"), range(8))
    assert sum(claim is not None for claim in claims) == 1
    assert Transfer.objects.filter(job_id=job.id, kind="post").count() == 1


def test_a_failure_and_a_completion_at_once_end_the_job_one_way(alice, together, tmp_path):
    for number in range(20):
        job = lifecycle.claim(lifecycle.submit(order_for(alice, cost=1)).id, worker="w1")
        lifecycle.accept(job)
        folder = tmp_path / str(number)
        folder.mkdir()

        def end(way, job=job, folder=folder):
            mine = Job.objects.get(id=job.id)
            if way == "complete":
                return outcome(lambda: finish(mine, folder) and "done")
            detail = {"code": FailureCode.PROVIDER_TIMEOUT, "detail": "staff"}
            return outcome(lambda: lifecycle.fail(mine, **detail) or "done")

        ends = together(end, random.sample(["complete", "fail"], 2))
        assert sorted(ends) == ["JobLost", "done"]
    assert audit.violations() == []


def test_reapers_at_once_reap_once(alice, together):
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    move_clock(job, minutes=10)
    stalled = Job.objects.get(id=job.id)
    assert sorted(together(lambda _: lifecycle.reap(stalled), range(4))) == [False, False, False, True]
    assert Job.objects.get(id=job.id).attempt == 2


@pytest.fixture
def at_work(alice):
    """Return a new job at work, as its worker has it."""

    def one():
        job = lifecycle.claim(lifecycle.submit(order_for(alice, cost=1), actor="test").id, worker="w1")
        lifecycle.accept(job)
        return job

    return one


def wish(job):
    return outcome(lambda: lifecycle.ask_to_cancel(Job.objects.get(id=job.id)) and "asked")


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_a_wish_and_an_end_at_once_end_the_job_as_its_worker_says(at_work, together, tmp_path, end):
    for number in range(10):
        job, folder = at_work(), tmp_path / str(number)
        folder.mkdir()

        def act(who, job=job, folder=folder):
            if who == "wish":
                return wish(job)
            if end == "complete":
                return outcome(lambda: finish(Job.objects.get(id=job.id), folder) and "done")
            detail = {"code": FailureCode.PROVIDER_TIMEOUT, "detail": "504"}
            return outcome(lambda: lifecycle.fail(job, **detail) or "done")

        said = together(act, random.sample(["wish", "end"], 2))
        assert sorted(said) in (["JobNotCancellable", "done"], ["asked", "done"])
        assert Job.objects.get(id=job.id).status == {"complete": "completed", "fail": "failed"}[end]
    assert audit.violations() == []


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_a_confirmed_cancel_and_another_end_at_once_end_the_job_one_way(at_work, together, tmp_path, end):
    for number in range(10):
        job, folder = at_work(), tmp_path / str(number)
        folder.mkdir()
        wish(job)

        def act(who, job=job, folder=folder):
            mine = Job.objects.get(id=job.id)
            if who == "stop":
                return "stopped" if lifecycle.stop(mine, detail="canceled") else "too late"
            if end == "complete":
                return outcome(lambda: finish(mine, folder) and "done")
            return outcome(
                lambda: lifecycle.fail(mine, code=FailureCode.PROVIDER_TIMEOUT, detail="") or "done"
            )

        said = sorted(together(act, random.sample(["stop", "end"], 2)))
        assert said in (["JobLost", "stopped"], ["done", "too late"])
        expected = "cancelled" if "stopped" in said else {"complete": "completed", "fail": "failed"}[end]
        assert Job.objects.get(id=job.id).status == expected
    assert audit.violations() == []


def test_a_wish_at_the_moment_of_a_reaping_is_kept_for_the_next_worker(at_work, together):
    for _ in range(10):
        job = at_work()
        both = [lambda job=job: wish(job), lambda job=job: lifecycle.reap(job, is_dead=True)]
        assert set(together(lambda act: act(), random.sample(both, 2))) == {"asked", True}
        again = lifecycle.claim(job.id, worker="w2")
        assert (again.attempt, again.is_unwanted) == (2, True)
        assert lifecycle.stop(again, detail="canceled")
        assert not lifecycle.stop(job, detail="late")
    assert audit.violations() == []


def test_wishes_at_once_are_one(at_work, together):
    job = at_work()
    assert sorted(together(lambda _: wish(job) or "before", range(6))) == ["asked"] + ["before"] * 5
    assert job.events.filter(verb="ask_to_cancel").count() == 1


def test_nothing_is_submitted_once_a_wish_was_acknowledged(at_work, together):
    """Whoever has the answer to a wish sees every intent there will ever be."""
    ways = set()
    for _ in range(40):
        job = at_work()
        route = Route(alias="far", base_url="https://models.example.org", model="far", account="far")

        def asking(job=job):
            wish(job)
            return RemoteTask.objects.filter(job_id=job.id).exists()

        def intending(job=job, route=route):
            try:
                return bool(remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=1000))
            except remote_tasks.Unwanted:
                return False

        both = random.sample([asking, intending], 2)
        said = dict(zip(both, together(lambda act: act(), both), strict=True))
        seen, intended = said[asking], said[intending]
        assert seen == intended
        assert remote_tasks.stop_unsent(job) != intended
        ways.add(intended)
    assert ways == {True, False}, "one of them always won: this was no race"
    assert audit.violations() == []
