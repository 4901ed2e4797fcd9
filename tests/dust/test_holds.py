"""Setting dust aside, taking it, giving it back, refunding it."""

import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from dust import ledger
from dust.errors import (
    AccountFrozen,
    AccountNotFound,
    HoldAlreadyResolved,
    HoldNotFound,
    InsufficientDust,
    InvalidMovement,
    KeyConflict,
    NotPosted,
)
from dust.models import Transfer
from tests.dust.people import history, job, standing

pytestmark = pytest.mark.django_db


def test_a_hold_lowers_what_can_be_spent_at_once(alice, account):
    movement = ledger.hold(account.pk, job(), 30)
    assert movement.created
    assert movement.kind == "hold"
    assert movement.available_after == 70
    assert ledger.balance(alice.pk) == ledger.Balance(balance=100, held=30, available=70)


def test_a_hold_keeps_its_price_and_deadline(account):
    deadline = timezone.now() + datetime.timedelta(hours=6)
    movement = ledger.hold(account.pk, job(), 10, expires_at=deadline, meta={"price": {"model": "preview"}})
    row = Transfer.objects.get(pk=movement.id)
    assert row.expires_at == deadline
    assert row.meta == {"price": {"model": "preview"}}


def test_a_post_takes_what_was_held(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    assert ledger.post(a_job).created
    assert standing(account) == (70, 0, 3)


@pytest.mark.parametrize("kind", ["void", "expire"])
def test_a_void_gives_back_what_was_held(account, kind):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    assert ledger.void(a_job, kind=kind).kind == kind
    assert standing(account) == (100, 0, 3)


def test_a_refund_brings_back_exactly_what_was_taken(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.post(a_job)
    movement = ledger.reverse(a_job, reason="The model is away.")
    assert (movement.amount, movement.posted_after, movement.held_after) == (30, 100, 0)
    assert Transfer.objects.get(pk=movement.id).note == "The model is away."


def test_every_step_said_twice_moves_once_and_answers_the_same(account):
    a_job = job()
    steps = [
        lambda: ledger.hold(account.pk, a_job, 30),
        lambda: ledger.post(a_job),
        lambda: ledger.reverse(a_job),
    ]
    for step in steps:
        first, before = step(), standing(account)
        again = step()
        assert first.created
        assert not again.created
        assert again.id == first.id
        assert (again.posted_after, again.held_after) == (first.posted_after, first.held_after)
        assert standing(account) == before
    assert history(account) == ["grant", "hold", "post", "reverse"]


def test_a_void_said_twice_releases_once(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    assert ledger.void(a_job).created
    assert not ledger.void(a_job).created
    assert standing(account) == (100, 0, 3)


def test_a_hold_of_the_last_dust_said_twice_is_no_402(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 100)
    assert not ledger.hold(account.pk, a_job, 100).created


def test_a_hold_said_again_after_it_ended_is_still_a_replay(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.void(a_job)
    assert not ledger.hold(account.pk, a_job, 30).created
    assert standing(account) == (100, 0, 3)


def test_a_hold_said_again_for_another_amount_is_refused(account, bobs_account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    with pytest.raises(KeyConflict):
        ledger.hold(account.pk, a_job, 31)
    with pytest.raises(KeyConflict):
        ledger.hold(bobs_account.pk, a_job, 30)
    assert standing(account) == (100, 30, 2)
    assert standing(bobs_account) == (100, 0, 1)


def test_too_little_dust_says_how_much_is_left_and_needed(account):
    ledger.hold(account.pk, job(), 95)
    with pytest.raises(InsufficientDust) as caught:
        ledger.hold(account.pk, job(), 10)
    assert caught.value.code == "insufficient_dust"
    assert caught.value.extra == {"current_balance": 5, "required_amount": 10}
    assert caught.value.message == "This needs 10 DUST and 5 can be spent."
    assert standing(account) == (100, 95, 2)


def test_after_too_little_dust_the_callers_transaction_goes_on(account):
    a_job = job()
    with transaction.atomic():
        with pytest.raises(InsufficientDust):
            ledger.hold(account.pk, a_job, 101)
        ledger.hold(account.pk, a_job, 100)
    assert standing(account) == (100, 100, 2)


def test_a_refused_hold_may_succeed_after_a_top_up(account):
    a_job = job()
    with pytest.raises(InsufficientDust):
        ledger.hold(account.pk, a_job, 101)
    ledger.grant(account.pk, 1, key="top-up", actor="charlie", reason="Sorry")
    assert ledger.hold(account.pk, a_job, 101).created


def test_a_caller_who_rolls_back_takes_the_movement_back(account):
    with transaction.atomic():
        ledger.hold(account.pk, job(), 30)
        transaction.set_rollback(True)
    assert standing(account) == (100, 0, 1)


def test_a_frozen_account_begins_nothing_and_finishes_everything(account):
    begun, charged = job(), job()
    ledger.hold(account.pk, begun, 10)
    ledger.hold(account.pk, charged, 10)
    ledger.post(charged)
    ledger.freeze(account.pk)
    with pytest.raises(AccountFrozen):
        ledger.hold(account.pk, job(), 10)
    ledger.post(begun)
    ledger.reverse(charged)
    ledger.grant(account.pk, 5, key="k", actor="charlie", reason="Sorry")
    ledger.unfreeze(account.pk)
    assert ledger.hold(account.pk, job(), 95).created


def test_a_hold_on_no_account_says_so(account):
    with pytest.raises(AccountNotFound):
        ledger.hold(account.pk + 1, job(), 10)


def test_what_was_never_held_cannot_end(db):
    with pytest.raises(HoldNotFound):
        ledger.post(job())
    with pytest.raises(HoldNotFound):
        ledger.void(job())


@pytest.mark.parametrize(("first", "second"), [("post", "void"), ("void", "post"), ("void", "expire")])
def test_a_hold_ends_one_way_only(account, first, second):
    verbs = {
        "post": ledger.post,
        "void": ledger.void,
        "expire": lambda job_id: ledger.void(job_id, kind="expire"),
    }
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    verbs[first](a_job)
    before = standing(account)
    with pytest.raises(HoldAlreadyResolved) as caught:
        verbs[second](a_job)
    assert caught.value.kind == first
    assert standing(account) == before


def test_a_hold_is_not_given_back_as_something_else(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    with pytest.raises(InvalidMovement):
        ledger.void(a_job, kind="post")


def test_only_what_was_taken_is_refunded(account):
    released, open_hold = job(), job()
    ledger.hold(account.pk, released, 30)
    ledger.void(released)
    ledger.hold(account.pk, open_hold, 30)
    for nothing_taken in (released, open_hold, job()):
        with pytest.raises(NotPosted):
            ledger.reverse(nothing_taken)
    assert standing(account) == (100, 30, 4)


def test_no_refund_fails_for_its_note(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.post(a_job)
    movement = ledger.reverse(a_job, reason="\x00" + "x" * 1000)
    assert Transfer.objects.get(pk=movement.id).reason == "x" * 300


def test_a_second_attempt_has_its_own_money(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.post(a_job)
    ledger.reverse(a_job)
    assert ledger.hold(account.pk, a_job, 30, attempt=2).created
    assert ledger.post(a_job, attempt=2).created
    assert standing(account) == (70, 0, 6)


def test_the_history_tells_the_balance_at_every_step(account):
    a_job = job()
    ledger.hold(account.pk, a_job, 30)
    ledger.post(a_job)
    ledger.reverse(a_job)
    rows = Transfer.objects.of(account).newest_first()
    assert [(row.kind, row.change, row.available_after) for row in rows] == [
        ("reverse", 30, 100),
        ("post", 0, 70),
        ("hold", -30, 70),
        ("grant", 100, 100),
    ]
