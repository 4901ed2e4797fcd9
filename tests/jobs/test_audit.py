"""reconcile: what jobs say and what the ledger says must agree, and a difference is named."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from dust import audit, ledger
from jobs import housekeeping, lifecycle
from jobs.models import Job
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def every_state(submit, tmp_path):
    """One job in each state there is, by its name."""
    jobs = {name: submit() for name in ("queued", "starting", "processing", "completed")}
    jobs |= {name: submit() for name in ("failed", "failed in the queue", "cancelled", "cancelled at work")}
    jobs["free"] = submit(cost=0)
    for name in ("starting", "processing", "completed", "failed", "cancelled at work"):
        jobs[name] = lifecycle.claim(jobs[name].id, worker="w1")
    for name in ("processing", "completed"):
        lifecycle.accept(jobs[name])
    finish(jobs["completed"], tmp_path)
    for name in ("failed", "failed in the queue"):
        lifecycle.fail(jobs[name], code=FailureCode.INTERNAL_ERROR, detail="x")
    lifecycle.cancel(jobs["cancelled"])
    lifecycle.ask_to_cancel(jobs["cancelled at work"])
    assert lifecycle.stop(jobs["cancelled at work"], detail="canceled")
    return jobs


def broken():
    return {
        (violation.number, violation.job_id)
        for violation in audit.violations()
        if violation.number in range(15, 20)
    }


def test_honest_books_are_clean_in_every_state(every_state):
    assert audit.violations() == []


@pytest.mark.parametrize(
    ("name", "status", "rule"),
    [
        ("cancelled", "queued", 15),
        ("starting", "queued", 15),
        ("queued", "starting", 15),
        ("queued", "starting", 16),
        ("failed", "completed", 16),
        ("completed", "failed", 17),
        ("processing", "cancelled", 18),
        ("queued", "cancelled", 18),
        ("queued", "failed", 17),
        ("cancelled at work", "completed", 16),
        ("cancelled at work", "cancelled", 18),
    ],
)
def test_a_status_that_the_money_does_not_follow_is_named(every_state, name, status, rule):
    job = every_state[name]
    with connection.cursor() as cursor:
        times = (
            "finished_at = created_at"
            if status in {"failed", "completed", "cancelled"}
            else "finished_at = NULL"
        )
        attempt = {"queued": 0, "cancelled": 0}.get(status, 1)
        code = "internal_error" if status == "failed" else ""
        cursor.execute(
            f"UPDATE jobs_job SET status = %s, attempt = %s, failure_code = %s, {times} WHERE id = %s",
            [status, attempt, code, job.id.hex if connection.vendor == "sqlite" else job.id],
        )
    assert (rule, job.id) in broken()


@pytest.mark.usefixtures("unguarded")
def test_a_skipped_refund_is_named(every_state):
    job = every_state["failed"]
    with connection.cursor() as cursor:
        job_id = job.id.hex if connection.vendor == "sqlite" else job.id
        cursor.execute("DELETE FROM dust_transfer WHERE kind = 'reverse' AND job_id = %s", [job_id])
    assert (17, job.id) in broken()
    with pytest.raises((SystemExit, CommandError)):
        call_command("reconcile_dust")


def test_a_lost_job_row_is_named(every_state):
    job = every_state["completed"]
    Job.objects.filter(id=job.id).delete()
    assert (19, job.id) in broken()


def test_a_wrong_price_is_named(every_state):
    Job.objects.filter(id=every_state["queued"].id).update(cost=11)
    assert (19, every_state["queued"].id) in broken()


def test_a_transfer_on_a_strangers_account_is_named(every_state, bob):
    ledger.open_account(bob.pk)
    Job.objects.filter(id=every_state["queued"].id).update(user=bob)
    assert (19, every_state["queued"].id) in broken()


def test_purged_jobs_are_not_lost_ones(every_state):
    for name in ("completed", "failed", "failed in the queue", "cancelled", "cancelled at work"):
        move_clock(every_state[name], days=400)
    housekeeping.expire_results()
    [count] = housekeeping.purge_jobs()
    assert count.number == 5
    assert audit.violations() == []


def test_the_audit_knows_rules_1_to_19_and_the_triggers(every_state):
    assert set(audit._checks) >= set(range(1, 20))
