"""Real threads on a real database: what may happen once happens once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from dust import audit, ledger
from dust.errors import ConcurrentDuplicate, DustError, HoldAlreadyResolved, InsufficientDust
from dust.models import Account
from tests.dust.people import history, job, standing

pytestmark = pytest.mark.django_db(transaction=True)
WHO = {"actor": "charlie", "reason": "Sorry for the wait"}


def at_once(*actions):
    """Run every action in a thread of its own, all let go together; return results and DustErrors."""
    gate = threading.Barrier(len(actions))

    def run(action):
        gate.wait()
        try:
            return action()
        except DustError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def kinds(outcomes):
    return sorted(type(outcome).__name__ for outcome in outcomes)


def created(outcomes):
    return sorted(outcome.created for outcome in outcomes)


@pytest.fixture(autouse=True)
def books_balance_afterwards(transactional_db):
    yield
    assert audit.violations() == []


def test_eight_spending_the_last_ten_one_succeeds(alice, settings):
    settings.DUST_OPENING_GRANT = 10
    account = ledger.open_account(alice.pk)
    outcomes = at_once(*[lambda: ledger.hold(account.pk, job(), 10)] * 8)
    assert kinds(outcomes) == ["InsufficientDust"] * 7 + ["Movement"]
    assert standing(account) == (10, 10, 2)


def test_eight_spending_a_hundred_by_thirty_three_succeed(account):
    outcomes = at_once(*[lambda: ledger.hold(account.pk, job(), 30)] * 8)
    assert sum(isinstance(outcome, InsufficientDust) for outcome in outcomes) == 5
    assert standing(account) == (100, 90, 4)


def test_the_same_hold_eight_times_at_once_is_one(account):
    a_job = job()
    outcomes = at_once(*[lambda: ledger.hold(account.pk, a_job, 30)] * 8)
    assert created(outcomes) == [False] * 7 + [True]
    assert standing(account) == (100, 30, 2)


@pytest.mark.parametrize("round_", range(5))
def test_two_workers_starting_one_job_one_may(account, round_):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    outcomes = at_once(*[lambda: ledger.post(a_job)] * 2)
    assert created(outcomes) == [False, True]
    assert standing(account) == (70, 0, 3)


@pytest.mark.parametrize("round_", range(5))
def test_start_against_cancel_one_wins(account, round_):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    outcomes = at_once(lambda: ledger.post(a_job), lambda: ledger.void(a_job))
    assert kinds(outcomes) == ["HoldAlreadyResolved", "Movement"]
    assert standing(account) in {(70, 0, 3), (100, 0, 3)}


def test_a_refund_delivered_four_times_at_once_is_one(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.post(a_job)
    outcomes = at_once(*[lambda: ledger.reverse(a_job)] * 4)
    assert created(outcomes) == [False] * 3 + [True]
    assert standing(account) == (100, 0, 4)


def test_a_grant_clicked_four_times_at_once_is_one(account):
    outcomes = at_once(*[lambda: ledger.grant(account.pk, 50, key="k", **WHO)] * 4)
    assert created(outcomes) == [False] * 3 + [True]
    assert standing(account) == (150, 0, 2)


def test_eight_first_requests_open_one_account(alice):
    outcomes = at_once(*[lambda: ledger.open_account(alice.pk)] * 8)
    assert len({account.pk for account in outcomes}) == 1
    assert {account.available for account in outcomes} == {100}
    assert history(Account.objects.get()) == ["grant"]


def test_whoever_waited_for_the_other_ending_is_told_of_it(account):
    """The case a NOT EXISTS alone gets wrong: the second began before the first had committed."""
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ledger.post(a_job)
            late = pool.submit(at_once, lambda: ledger.void(a_job))
            wait_until_it_queues(late)
        (outcome,) = late.result()
    assert isinstance(outcome, HoldAlreadyResolved)
    assert standing(account) == (70, 0, 3)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite lets writers in one after another")
def test_inside_a_callers_transaction_the_late_one_must_run_it_again(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)

    def cancel():
        with transaction.atomic():
            return ledger.void(a_job)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ledger.post(a_job)
            late = pool.submit(at_once, cancel)
            wait_until_it_queues(late)
        (outcome,) = late.result()
    assert isinstance(outcome, ConcurrentDuplicate)
    assert standing(account) == (70, 0, 3)


def test_the_audit_sees_one_moment_beside_live_writers(account):
    done = threading.Event()

    def spend():
        try:
            for _ in range(40):
                a_job = job()
                ledger.hold(account.pk, a_job, 10)
                ledger.post(a_job)
                ledger.reverse(a_job)
        finally:
            done.set()

    def look():
        seen = [audit.report()]
        while not done.is_set():
            seen.append(audit.report())
        return seen

    _, reports = at_once(spend, look)
    assert [report.violations for report in reports] == [[]] * len(reports)
    assert all(report.posted == -sum(report.system.values()) for report in reports)


def wait_until_it_queues(late):
    """Return once `late`, in another session, waits for this one's lock."""
    pause = threading.Event()
    if connection.vendor != "postgresql":
        pause.wait(0.3)  # SQLite cannot be asked; a writer that has not come yet only makes the test easier
        return
    while not late.done():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        pause.wait(0.05)
    raise AssertionError("nobody waited")
