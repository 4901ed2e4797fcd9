"""Every rule finds what breaks it. The rows are corrupted by SQL, with constraints and triggers away."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from dust import audit, invariants, ledger, statements, triggers
from dust.invariants import Check
from dust.models import Contra, Kind, Transfer
from dust.statements import Entry
from tests.dust.people import job

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(account, bobs_account):
    """One job refunded, one cancelled, one waiting, and a correction; all in order."""
    refunded, cancelled, waiting = job(), job(), job()
    ledger.hold(account.pk, refunded, 10)
    ledger.post(refunded)
    ledger.reverse(refunded)
    ledger.hold(account.pk, cancelled, 8)
    ledger.void(cancelled)
    ledger.hold(account.pk, waiting, 20)
    ledger.adjust(bobs_account.pk, -3, key="k", actor="charlie", reason="Granted too much")
    return {"refunded": refunded, "cancelled": cancelled, "waiting": waiting}


@pytest.fixture
def bare_books(books):
    """The same rows in tables that accept anything."""
    if connection.vendor == "postgresql":
        run("SET CONSTRAINTS ALL IMMEDIATE")  # else "pending trigger events"
    for table in ("dust_transfer", "dust_account"):
        run(f"CREATE TABLE bare AS SELECT * FROM {table}")
        run(f"DROP TABLE {table}")
        run(f"ALTER TABLE bare RENAME TO {table}")
    return books


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def first(kind):
    return Transfer.objects.filter(kind=kind).order_by("seq").first()


def numbers():
    return {violation.number for violation in audit.violations()} - {audit.TRIGGERS_PRESENT}


def test_books_in_order_have_no_violation(books):
    assert audit.violations() == []


def test_bare_books_break_no_rule_but_the_missing_triggers(bare_books):
    assert numbers() == set()
    assert len(audit.violations()) == len(triggers.NAMES)


ALICE = "id = (SELECT MIN(id) FROM dust_account)"
A_JOB = "(SELECT job_id FROM dust_transfer WHERE kind = 'post')"
A_HOLD = "(SELECT hold_id FROM dust_transfer WHERE kind = 'post')"
CORRUPTIONS = {
    1: f"UPDATE dust_account SET held = posted + 1 WHERE {ALICE}",
    2: f"UPDATE dust_account SET posted = posted + 1 WHERE {ALICE}",
    3: f"UPDATE dust_account SET held = held - 1 WHERE {ALICE}",
    4: "UPDATE dust_transfer SET amount = amount + 1 WHERE kind = 'hold' AND amount = 20",
    5: f"UPDATE dust_account SET seq = seq + 1 WHERE {ALICE}",
    6: "UPDATE dust_transfer SET posted_after = posted_after + 1 WHERE kind = 'reverse'",
    7: "UPDATE dust_transfer SET held_after = -1 WHERE kind = 'reverse'",
    8: f"UPDATE dust_transfer SET job_id = {A_JOB} WHERE amount = 20",
    9: f"UPDATE dust_transfer SET hold_id = {A_HOLD} WHERE kind = 'void'",
    10: f"UPDATE dust_transfer SET kind = 'post', job_id = {A_JOB} WHERE kind = 'void'",
    11: f"UPDATE dust_transfer SET kind = 'reverse', job_id = {A_JOB} WHERE kind = 'void'",
    12: "UPDATE dust_transfer SET amount = amount + 1 WHERE kind = 'reverse'",
    13: "UPDATE dust_transfer SET d_held = d_held + 1 WHERE kind = 'void'",
    14: f"UPDATE dust_account SET posted = posted + 1 WHERE {ALICE}",
    21: "UPDATE dust_transfer SET kind = 'gift' WHERE kind = 'grant'",
}


def test_every_rule_of_ours_has_a_corruption():
    assert set(CORRUPTIONS) == {check.number for check in invariants.CHECKS} == {*range(1, 15), 21}


@pytest.mark.parametrize("number", CORRUPTIONS)
def test_a_corruption_is_found_under_its_number(bare_books, number):
    run(CORRUPTIONS[number])
    assert number in numbers()


@pytest.mark.parametrize(
    ("number", "sql"),
    [
        (1, f"UPDATE dust_account SET held = -1 WHERE {ALICE}"),
        (5, "UPDATE dust_transfer SET seq = seq + 100 WHERE kind = 'reverse'"),
        (5, "UPDATE dust_transfer SET seq = 2 WHERE kind = 'void'"),
        (7, "UPDATE dust_transfer SET posted_after = held_after - 1 WHERE amount = 20"),
        (12, "UPDATE dust_transfer SET account_id = account_id + 1 WHERE kind = 'reverse'"),
        (12, "UPDATE dust_transfer SET reverses_id = hold_id WHERE kind = 'reverse'"),
        (13, "UPDATE dust_transfer SET hold_id = NULL WHERE kind = 'void'"),
        (13, "UPDATE dust_transfer SET amount = 11 WHERE kind = 'post'"),
        (13, "UPDATE dust_transfer SET account_id = account_id + 1 WHERE kind = 'void'"),
        (2, "DELETE FROM dust_transfer WHERE kind = 'adjust'"),
        (14, "DELETE FROM dust_transfer WHERE kind = 'adjust'"),
    ],
)
def test_other_ways_to_break_a_rule_are_found_too(bare_books, number, sql):
    run(sql)
    assert number in numbers()


@pytest.fixture
def shapeless(account):
    """An account with a hold of 10, where the database takes transfers of any shape."""
    ledger.hold(account.pk, job(), 10)
    if connection.vendor == "postgresql":
        run("SET CONSTRAINTS ALL IMMEDIATE")  # else "pending trigger events"
        run("ALTER TABLE dust_transfer DROP CONSTRAINT dust_transfer_kind_shape")
        yield account  # and the test's transaction is rolled back
    else:
        run("PRAGMA ignore_check_constraints = ON")
        yield account
        run("PRAGMA ignore_check_constraints = OFF")


def write(account, kind, **values):
    """Write what a ledger gone wrong would: balance and sums agree, and the shape is not of its kind."""
    held = first("hold")
    if kind in ("post", "void", "expire", "hold"):
        values = {"contra": Contra.REVENUE, "job_id": held.job_id, "attempt": 1, **values}
    if kind in ("post", "void", "expire"):
        values = {"guard": "hold_id", "hold_id": held.pk, **values}
    entry = {"amount": 10, "key": "k", "contra": Contra.ISSUANCE, **values}
    assert statements.write(Entry(kind=Kind(kind), account_id=account.pk, **entry))


WRONG_SHAPES = {
    "a charge that takes nothing": {"kind": "post", "d_held": -10},
    "a charge that takes less than its amount": {"kind": "post", "d_posted": -9, "d_held": -10},
    "a charge that gives": {"kind": "post", "d_posted": 10, "d_held": -10},
    "a release that takes": {"kind": "void", "d_posted": -10, "d_held": -10},
    "a release that gives": {"kind": "expire", "d_posted": 10, "d_held": -10},
    "a hold that takes": {"kind": "hold", "attempt": 2, "d_posted": -10, "d_held": 10},
    "a grant that takes": {"kind": "grant", "d_posted": -10},
    "a grant of another amount": {"kind": "grant", "d_posted": 11},
    "a grant of nothing": {"kind": "grant"},
    "a correction of another amount": {"kind": "adjust", "d_posted": -11},
}


@pytest.mark.parametrize("wrong", WRONG_SHAPES)
def test_a_transfer_out_of_shape_is_found_though_every_sum_is_right(shapeless, wrong):
    assert audit.violations() == []
    write(shapeless, **WRONG_SHAPES[wrong])
    (found,) = audit.violations()
    assert (found.number, found.account_id) == (21, shapeless.pk)
    assert found.transfer_id == Transfer.objects.latest("seq").pk


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE dust_transfer SET d_posted = d_posted - 1 WHERE kind = 'reverse'",
        "UPDATE dust_transfer SET reverses_id = NULL WHERE kind = 'reverse'",
        "UPDATE dust_transfer SET hold_id = NULL WHERE kind = 'post'",
        "UPDATE dust_transfer SET d_held = NULL WHERE kind = 'grant'",
        "UPDATE dust_transfer SET amount = -amount, d_posted = -d_posted WHERE kind = 'grant'",
        "UPDATE dust_transfer SET kind = NULL WHERE kind = 'adjust'",
    ],
)
def test_other_transfers_out_of_shape_are_found_too(bare_books, sql):
    run(sql)
    assert 21 in numbers()


def test_a_violation_names_rule_account_job_and_transfer(bare_books):
    run(CORRUPTIONS[12])
    refund = first("reverse")
    (found,) = [violation for violation in audit.violations() if violation.number == 12]
    assert found.account_id == refund.account_id
    assert found.job_id == bare_books["refunded"]
    assert found.transfer_id == refund.pk
    assert str(found) == (
        "12. A refund gives back, to the same account, exactly what an earlier charge took. Broken by "
        f"account {refund.account_id}, job {refund.job_id}, transfer {refund.pk}."
    )


def test_another_app_adds_its_own_rules(books):
    rule = "Nobody waits."
    check = Check(number=15, rule=rule, sql="SELECT NULL, job_id, NULL FROM dust_transfer WHERE amount = 20")
    audit.register([check])
    audit.register([check])
    (found,) = audit.violations()
    assert (found.number, found.rule, found.job_id) == (15, rule, books["waiting"])


def test_reconcile_counts_and_says_that_all_is_well(books, capsys):
    call_command("reconcile_dust")
    assert capsys.readouterr().out.splitlines() == [
        "2 accounts, 9 transfers",
        "users own 197 DUST, 20 of it held",
        "system accounts: issuance -200, revenue 0, breakage 0, correction 3",
        "Every rule holds.",
    ]


def test_reconcile_names_each_violation_and_fails(bare_books, capsys):
    run(CORRUPTIONS[5])
    with pytest.raises(CommandError) as caught:
        call_command("reconcile_dust")
    out = capsys.readouterr().out
    assert caught.value.returncode == 1
    assert str(caught.value) == "4 violations of the ledger's rules."
    assert "5. An account's transfers are numbered" in out
    assert "dust_transfer_no_delete" in out


def test_reconcile_speaks_json_also_when_it_fails(bare_books, capsys):
    run(CORRUPTIONS[12])
    with pytest.raises(CommandError):
        call_command("reconcile_dust", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["accounts"], report["transfers"], report["held"]) == (2, 9, 20)
    assert str(bare_books["refunded"]) in [violation["job_id"] for violation in report["violations"]]
