"""The only writer of DUST. Every movement is a new transfer; nothing is ever changed or taken away.

A hold sets dust aside; it ends once: `post` takes the dust, `void` gives it back. `reverse` refunds a post.
`grant` and `adjust` bring dust from and to the system. Amounts are whole dust.

Each verb is one transaction of its own, or part of the caller's if there is one. Said again with the same
arguments, a verb moves nothing and answers as it did the first time, with `created=False`: only the call
that got `created=True` may go on to start work. After a refusal (InsufficientDust and the rest) nothing has
been written, the caller's transaction can still be used, and the same key may succeed later. After
ConcurrentDuplicate the caller's transaction is lost: run all of it again (`transactions.whole` does).

Lock order, everywhere: the job's row first, then the ledger.
"""

import dataclasses
import datetime
import uuid
from typing import Any, Literal

from django.conf import settings

from dust import statements, transactions
from dust.errors import (
    AccountFrozen,
    AccountNotFound,
    ConcurrentDuplicate,
    HoldAlreadyResolved,
    HoldNotFound,
    InsufficientDust,
    InvalidMovement,
    KeyConflict,
    NotPosted,
)
from dust.models import MAX_AMOUNT, Account, Contra, Kind, Transfer
from dust.statements import Entry, Movement

JOB_KEYS = "job:"  # what the keys of hold, post and the rest begin with; a caller's own keys may not


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a user owns, how much of it is set aside for jobs, and what is left to spend."""

    balance: int
    held: int
    available: int


def open_account(user_id: uuid.UUID) -> Account:
    """Return the user's account; make it, with the opening grant, if there is none yet."""
    return Account.objects.filter(user_id=user_id).first() or _open(user_id)


def balance(user_id: uuid.UUID) -> Balance:
    """Return what the user has, opening the account if needed."""
    account = open_account(user_id)
    return Balance(balance=account.posted, held=account.held, available=account.available)


@transactions.whole
def hold(
    account_id: int,
    job_id: uuid.UUID,
    amount: int,
    *,
    attempt: int = 1,
    expires_at: datetime.datetime | None = None,
    meta: dict[str, Any] | None = None,
) -> Movement:
    """Set `amount` aside for one attempt of a job. `expires_at` is for whoever sweeps; `meta` for the price.

    Raise InsufficientDust, AccountFrozen, AccountNotFound, KeyConflict (this attempt holds another amount,
    or on another account), ConcurrentDuplicate.
    """
    return _written(
        Entry(
            kind=Kind.HOLD,
            account_id=account_id,
            contra=Contra.REVENUE,
            amount=_amount(amount),
            d_held=amount,
            key=_job_key(job_id, attempt, "hold"),
            job_id=job_id,
            attempt=attempt,
            expires_at=expires_at,
            meta=meta or {},
        )
    )


@transactions.whole
def post(job_id: uuid.UUID, *, attempt: int = 1) -> Movement:
    """Take what was set aside: work on the job begins.

    Raise HoldNotFound, HoldAlreadyResolved (it was given back), ConcurrentDuplicate.
    """
    return _resolved(job_id, attempt, Kind.POST)


@transactions.whole
def void(job_id: uuid.UUID, *, attempt: int = 1, kind: Literal["void", "expire"] = "void") -> Movement:
    """Give back what was set aside; `expire` is for a sweep that found it out of time.

    Raise HoldNotFound, HoldAlreadyResolved (it was taken, or given back the other way), ConcurrentDuplicate.
    """
    if kind not in (Kind.VOID, Kind.EXPIRE):
        raise InvalidMovement(f"A hold is given back by void or expire, not by {kind}.")
    return _resolved(job_id, attempt, Kind(kind))


@transactions.whole
def reverse(job_id: uuid.UUID, *, attempt: int = 1, reason: str = "") -> Movement:
    """Refund what was taken for this attempt. Raise NotPosted, ConcurrentDuplicate."""
    charge = _find(key=_job_key(job_id, attempt, "resolve"))
    if charge is None or charge.kind != Kind.POST:
        raise NotPosted
    entry = Entry(
        kind=Kind.REVERSE,
        account_id=charge.account_id,
        contra=Contra.REVENUE,
        amount=charge.amount,
        d_posted=charge.amount,
        key=_job_key(job_id, attempt, "reverse"),
        guard="reverses_id",
        reverses_id=charge.id,
        job_id=job_id,
        attempt=attempt,
        reason=reason.replace("\x00", "")[:300],  # cut, not refused: no refund may fail for its note
    )
    if movement := statements.write(entry):
        return movement
    if earlier := _find(reverses_id=charge.id):
        return Movement.replayed(earlier)
    raise ConcurrentDuplicate


@transactions.whole
def grant(account_id: int, amount: int, *, key: str, actor: str, reason: str) -> Movement:
    """Give new dust. `key` is the caller's name for this one grant; `actor` who gave it.

    Raise AccountNotFound, KeyConflict, InvalidMovement, ConcurrentDuplicate.
    """
    return _written(
        Entry(
            kind=Kind.GRANT,
            account_id=account_id,
            contra=Contra.ISSUANCE,
            amount=_amount(amount),
            d_posted=amount,
            key=_own_key(key),
            actor=_text("actor", actor, longest=150),
            reason=_text("reason", reason, longest=300),
        )
    )


@transactions.whole
def adjust(account_id: int, delta: int, *, key: str, actor: str, reason: str) -> Movement:
    """Correct a balance by `delta`, up or down; never below what is set aside.

    Raise InsufficientDust, AccountNotFound, KeyConflict, InvalidMovement, ConcurrentDuplicate.
    """
    return _written(
        Entry(
            kind=Kind.ADJUST,
            account_id=account_id,
            contra=Contra.CORRECTION,
            amount=_amount(abs(delta) if type(delta) is int else delta),
            d_posted=delta,
            key=_own_key(key),
            actor=_text("actor", actor, longest=150),
            reason=_text("reason", reason, longest=300),
        )
    )


def freeze(account_id: int) -> None:
    """Let no new hold begin; what is held already takes its course. Raise AccountNotFound."""
    if not Account.objects.filter(pk=account_id).update(frozen=True):
        raise AccountNotFound


def unfreeze(account_id: int) -> None:
    """Let the user spend again. Raise AccountNotFound."""
    if not Account.objects.filter(pk=account_id).update(frozen=False):
        raise AccountNotFound


@transactions.whole
def _open(user_id: uuid.UUID) -> Account:
    account, created = Account.objects.get_or_create(user_id=user_id)
    if created and settings.DUST_OPENING_GRANT > 0:
        key = f"opening:{user_id}"
        grant(account.pk, settings.DUST_OPENING_GRANT, key=key, actor="system", reason="Welcome")
        account.refresh_from_db()
    return account


def _written(entry: Entry) -> Movement:
    """Write `entry`, or replay what its key already did, or say why not."""
    for _ in range(transactions.TRIES):
        if movement := statements.write(entry):
            return movement
        # The key before the balance: a hold said twice is a replay even when it was the user's last dust.
        if earlier := _find(key=entry.key):
            return _replayed(earlier, entry)
        _refuse(entry)
    raise ConcurrentDuplicate  # refused each time, and each time the reason was gone when we looked


def _replayed(earlier: Transfer, entry: Entry) -> Movement:
    if (earlier.kind, earlier.account_id, earlier.d_posted, earlier.d_held) != (
        entry.kind,
        entry.account_id,
        entry.d_posted,
        entry.d_held,
    ):
        raise KeyConflict
    return Movement.replayed(earlier)


def _refuse(entry: Entry) -> None:
    """Raise the reason why `entry` could not be written, if it still stands."""
    account = Account.objects.filter(pk=entry.account_id).first()
    if account is None:
        raise AccountNotFound
    if account.frozen and entry.kind == Kind.HOLD:
        raise AccountFrozen
    if account.available + entry.d_posted - entry.d_held < 0:
        raise InsufficientDust(available=account.available, needed=entry.amount)


def _resolved(job_id: uuid.UUID, attempt: int, kind: Kind) -> Movement:
    """End a hold by `kind`, or replay that it ended so."""
    held = _find(key=_job_key(job_id, attempt, "hold"))
    if held is None:
        raise HoldNotFound
    entry = Entry(
        kind=kind,
        account_id=held.account_id,
        contra=Contra.REVENUE,
        amount=held.amount,
        d_posted=-held.amount if kind == Kind.POST else 0,
        d_held=-held.amount,
        key=_job_key(job_id, attempt, "resolve"),
        guard="hold_id",
        hold_id=held.id,
        job_id=job_id,
        attempt=attempt,
    )
    if movement := statements.write(entry):
        return movement
    earlier = _find(hold_id=held.id)
    if earlier is None:
        raise ConcurrentDuplicate
    if earlier.kind != kind:
        raise HoldAlreadyResolved(earlier.kind)
    return Movement.replayed(earlier)


def _find(**unique: Any) -> Transfer | None:
    return Transfer.objects.filter(**unique).first()


def _job_key(job_id: uuid.UUID, attempt: int, step: Literal["hold", "resolve", "reverse"]) -> str:
    """One key for post, void and expire: a hold ends once."""
    return f"{JOB_KEYS}{job_id}:{attempt}:{step}"


def _amount(amount: int) -> int:
    # type() and not isinstance(): True is an int to Python, and 1.9 would be stored as 1.
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise InvalidMovement(f"An amount of DUST is a whole number from 1 to {MAX_AMOUNT}.")
    return amount


def _own_key(key: str) -> str:
    if key.startswith(JOB_KEYS):
        raise InvalidMovement(f"Keys that begin with {JOB_KEYS} belong to jobs.")
    return _text("key", key, longest=120)


def _text(name: str, value: str, *, longest: int) -> str:
    if not value.strip() or len(value) > longest or "\x00" in value:
        raise InvalidMovement(f"The {name} must have 1 to {longest} characters.")
    return value
