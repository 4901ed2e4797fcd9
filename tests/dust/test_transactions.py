"""Joining the caller's transaction, and running again when beaten to it."""

import pytest
from django.db import connection, transaction

from dust import ledger, transactions, triggers
from dust.errors import ConcurrentDuplicate
from dust.models import Account
from tests.dust.people import job, standing


def collide(account):
    """Make the next transfer's number one that is taken, as if another process had just used it."""
    triggers.remove(connection)
    Account.objects.filter(pk=account.pk).update(seq=0)


@pytest.mark.django_db
def test_a_collision_undoes_the_balance_too(account):
    collide(account)
    with pytest.raises(ConcurrentDuplicate), transaction.atomic():
        ledger.hold(account.pk, job(), 30)
    assert standing(account) == (100, 0, 0)


@pytest.mark.django_db
def test_a_collision_cannot_be_swallowed_and_committed(account):
    collide(account)
    with transaction.atomic():
        with pytest.raises(ConcurrentDuplicate):
            ledger.hold(account.pk, job(), 30)
        with pytest.raises(transaction.TransactionManagementError):
            Account.objects.exists()
    assert standing(account) == (100, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_whole_transaction_runs_again_when_beaten_to_it(alice):
    runs = []

    @transactions.whole
    def beaten_twice():
        runs.append(ledger.open_account(alice.pk).pk)
        if len(runs) < 3:
            raise ConcurrentDuplicate
        return "done"

    assert beaten_twice() == "done"
    assert len(runs) == 3
    assert Account.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_gives_up_after_a_few_runs_and_leaves_nothing(alice):
    runs = []

    @transactions.whole
    def always_beaten():
        runs.append(ledger.open_account(alice.pk))
        raise ConcurrentDuplicate

    with pytest.raises(ConcurrentDuplicate):
        always_beaten()
    assert len(runs) == transactions.TRIES
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_running_again_is_the_callers(alice):
    runs = []

    @transactions.whole
    def beaten():
        runs.append(1)
        raise ConcurrentDuplicate

    with pytest.raises(ConcurrentDuplicate), transaction.atomic():
        beaten()
    assert len(runs) == 1
