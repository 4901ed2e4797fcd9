"""Giving dust, correcting balances, and amounts that are none."""

import decimal

import pytest

from dust import ledger
from dust.errors import AccountNotFound, InsufficientDust, InvalidMovement, KeyConflict
from dust.models import Transfer
from tests.dust.people import job, standing

pytestmark = pytest.mark.django_db
WHO = {"actor": "charlie", "reason": "Sorry for the wait"}


def test_a_grant_is_given_once_for_a_key(account):
    first = ledger.grant(account.pk, 50, key="k", **WHO)
    again = ledger.grant(account.pk, 50, key="k", **WHO)
    assert (first.created, again.created) == (True, False)
    assert first.id == again.id
    assert standing(account) == (150, 0, 2)


def test_a_grant_records_who_and_why(account):
    row = Transfer.objects.get(pk=ledger.grant(account.pk, 50, key="k", **WHO).id)
    assert (row.actor, row.reason, row.contra, row.note) == (
        "charlie",
        WHO["reason"],
        "issuance",
        WHO["reason"],
    )


def test_one_key_is_one_movement(account, bobs_account):
    ledger.grant(account.pk, 50, key="k", **WHO)
    for again in (
        lambda: ledger.grant(account.pk, 51, key="k", **WHO),
        lambda: ledger.grant(bobs_account.pk, 50, key="k", **WHO),
        lambda: ledger.adjust(account.pk, 50, key="k", **WHO),
    ):
        with pytest.raises(KeyConflict):
            again()
    assert standing(account) == (150, 0, 2)
    assert standing(bobs_account) == (100, 0, 1)


def test_a_correction_goes_both_ways(account):
    assert ledger.adjust(account.pk, -40, key="down", **WHO).posted_after == 60
    assert ledger.adjust(account.pk, 5, key="up", **WHO).posted_after == 65


def test_a_correction_is_not_its_opposite_under_the_same_key(account):
    ledger.adjust(account.pk, -40, key="k", **WHO)
    with pytest.raises(KeyConflict):
        ledger.adjust(account.pk, 40, key="k", **WHO)


def test_a_correction_cannot_touch_what_is_held(account):
    ledger.hold(account.pk, job(), 70)
    with pytest.raises(InsufficientDust) as caught:
        ledger.adjust(account.pk, -31, key="k", **WHO)
    assert caught.value.extra == {"current_balance": 30, "required_amount": 31}
    assert ledger.adjust(account.pk, -30, key="k", **WHO).created
    assert standing(account) == (70, 70, 3)


def test_no_account_no_grant(account):
    with pytest.raises(AccountNotFound):
        ledger.grant(account.pk + 1, 50, key="k", **WHO)


@pytest.mark.parametrize("amount", [True, 1.9, 1.0, "5", None, decimal.Decimal(5), 0, -5, 10**12 + 1, 10**13])
def test_only_whole_positive_amounts_within_bounds_move(account, amount):
    with pytest.raises(InvalidMovement):
        ledger.hold(account.pk, job(), amount)
    with pytest.raises(InvalidMovement):
        ledger.grant(account.pk, amount, key="k", **WHO)
    assert standing(account) == (100, 0, 1)


@pytest.mark.parametrize("delta", [True, 1.9, "5", None, 0, 10**13, -(10**13)])
def test_a_correction_is_a_whole_number_other_than_zero(account, delta):
    with pytest.raises(InvalidMovement):
        ledger.adjust(account.pk, delta, key="k", **WHO)


@pytest.mark.parametrize(
    "given",
    [
        {"key": ""},
        {"key": "k" * 121},
        {"key": "job:1:1:hold"},
        {"key": "a\x00b"},
        {"reason": " "},
        {"reason": "x" * 301},
        {"actor": ""},
    ],
)
def test_a_grant_needs_a_key_of_its_own_an_actor_and_a_reason(account, given):
    with pytest.raises(InvalidMovement):
        ledger.grant(account.pk, 5, **{"key": "k", **WHO, **given})
