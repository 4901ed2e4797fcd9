"""What the database itself refuses, whoever asks."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from dust import audit, ledger, triggers
from dust.models import Account, Transfer
from tests.dust.people import job, standing

pytestmark = pytest.mark.django_db


def execute(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def refused(action):
    """Run `action`, which the database must refuse, and keep the test's transaction usable."""
    with pytest.raises(IntegrityError), transaction.atomic():
        action()
    return True


def test_history_is_not_changed_or_deleted_through_the_orm(account):
    grant = Transfer.objects.get()
    grant.amount = 1
    assert refused(grant.save)
    assert refused(lambda: Transfer.objects.update(reason="never"))
    assert refused(grant.delete)


def test_history_is_not_changed_or_deleted_through_sql(account):
    assert refused(lambda: execute("UPDATE dust_transfer SET amount = 1"))
    assert refused(lambda: execute("DELETE FROM dust_transfer"))


def test_a_stale_save_cannot_bring_back_an_old_balance(account):
    ledger.hold(account.pk, job(), 30)  # `account` was read before
    assert refused(account.save)
    assert standing(account) == (100, 30, 2)


def test_a_balance_does_not_move_by_hand(account):
    assert refused(lambda: Account.objects.update(posted=10**6))
    assert refused(lambda: execute("UPDATE dust_account SET held = 5"))
    assert refused(lambda: execute("UPDATE dust_account SET seq = seq + 2"))


def test_freezing_with_an_old_copy_touches_no_balance(account):
    ledger.hold(account.pk, job(), 30)
    account.frozen = True
    account.save(update_fields=["frozen"])
    assert standing(account) == (100, 30, 2)


def test_an_account_with_a_history_is_not_deleted(account):
    with pytest.raises(IntegrityError):
        account.delete()
    assert Account.objects.filter(pk=account.pk).exists()


def row(account, **changed):
    """A grant that every constraint accepts, but for what is `changed`."""
    fields = {
        "kind": "grant",
        "contra": "issuance",
        "amount": 5,
        "d_posted": 5,
        "d_held": 0,
        "seq": 2,
        "posted_after": 105,
        "held_after": 0,
        "key": "k",
    }
    return Transfer(account=account, **{**fields, **changed})


def test_the_sample_row_is_one_that_the_database_takes(account):
    row(account).save(force_insert=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 0, "d_posted": 0},
        {"amount": 10**12 + 1, "d_posted": 10**12 + 1},
        {"d_posted": 6},
        {"d_posted": -5},
        {"d_held": 5},
        {"contra": "revenue"},
        {"kind": "gift"},
        {"kind": "hold"},
        {"kind": "post"},
        {"kind": "void"},
        {"kind": "reverse"},
        {"kind": "adjust"},
        {"posted_after": -1},
        {"held_after": 106},
        {"held_after": -1},
        {"job_id": job()},
        {"seq": 1},
        {"key": "taken"},
    ],
)
def test_a_row_that_is_no_transfer_is_refused(alice, settings, changed):
    settings.DUST_OPENING_GRANT = 0
    account = ledger.open_account(alice.pk)
    ledger.grant(account.pk, 100, key="taken", actor="charlie", reason="Hello")
    assert refused(lambda: row(account, **changed).save(force_insert=True))


def test_the_triggers_are_there_and_installing_twice_is_harmless(account):
    assert triggers.missing(connection) == []
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_removed_triggers_are_named(account):
    triggers.remove(connection)
    assert triggers.missing(connection) == list(triggers.NAMES)
    triggers.remove(connection)


def test_triggers_come_back_after_every_migrate(account):
    triggers.remove(connection)
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL can switch a trigger off")
def test_a_trigger_switched_off_counts_as_missing(account):
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE dust_transfer DISABLE TRIGGER dust_transfer_no_delete")
    assert triggers.missing(connection) == ["dust_transfer_no_delete"]
    assert [violation.number for violation in audit.violations()] == [audit.TRIGGERS_PRESENT]
