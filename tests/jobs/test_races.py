"""Things that happen at the same moment: exactly one wins, and the money follows it."""

import random
import threading

import pytest
from django.db import connections
from rest_framework.test import APIClient

from dust import audit, ledger
from dust.models import Transfer
from jobs import lifecycle
from jobs.errors import JobLost, JobNotCancellable
from jobs.models import Job
from jobs.providers.base import FailureCode
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
