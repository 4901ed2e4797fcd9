"""Opening accounts."""

import pytest

from dust import audit, ledger
from dust.errors import AccountNotFound
from dust.models import Account, Transfer
from tests.dust.people import history, standing

pytestmark = pytest.mark.django_db


def test_a_new_account_gets_the_opening_grant_once(alice):
    first, again = ledger.open_account(alice.pk), ledger.open_account(alice.pk)
    assert first.pk == again.pk
    assert standing(first) == (100, 0, 1)
    assert history(first) == ["grant"]
    assert Transfer.objects.get().key == f"opening:{alice.pk}"


def test_the_returned_account_already_shows_the_grant(alice):
    assert ledger.open_account(alice.pk).available == 100


def test_without_an_opening_grant_an_account_starts_empty(alice, settings):
    settings.DUST_OPENING_GRANT = 0
    assert standing(ledger.open_account(alice.pk)) == (0, 0, 0)


def test_raising_the_opening_grant_later_gives_old_users_nothing(alice, settings):
    settings.DUST_OPENING_GRANT = 0
    account = ledger.open_account(alice.pk)
    settings.DUST_OPENING_GRANT = 50
    assert ledger.open_account(alice.pk).pk == account.pk
    assert standing(account) == (0, 0, 0)


def test_asking_for_the_balance_opens_the_account(alice):
    assert ledger.balance(alice.pk) == ledger.Balance(balance=100, held=0, available=100)


def test_an_account_outlives_its_user(alice, account):
    alice.delete()
    left = Account.objects.get(pk=account.pk)
    assert left.user is None
    assert left.posted == 100
    assert "former user" in str(left)
    assert audit.violations() == []


def test_freezing_what_is_not_there_says_so(db):
    with pytest.raises(AccountNotFound):
        ledger.freeze(404)
    with pytest.raises(AccountNotFound):
        ledger.unfreeze(404)
