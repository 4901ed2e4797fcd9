"""The two SQL statements of a movement, the same on both databases: change the balance, write the row."""

import dataclasses
import datetime
import uuid
from typing import Any, Literal, Self

from django.db import IntegrityError, connection, transaction

from base.ids import uuid7
from dust.errors import ConcurrentDuplicate
from dust.models import Contra, Kind, Transfer

Guard = Literal["key", "hold_id", "reverses_id"]

# The NOT EXISTS is only the quick way to see a replay: under READ COMMITTED two sessions can both pass it.
# What decides is the unique constraint of the same column, in the INSERT. A bare column name is all that
# ever goes into the text; every value is a parameter.
_UPDATE = """
UPDATE dust_account
   SET posted = posted + %(d_posted)s, held = held + %(d_held)s, seq = seq + 1
 WHERE id = %(account_id)s
   AND (%(even_frozen)s OR NOT frozen)
   AND (posted + %(d_posted)s) - (held + %(d_held)s) >= 0
   AND NOT EXISTS (SELECT 1 FROM dust_transfer WHERE {guard} = %(guarded)s)
RETURNING seq, posted, held
"""
_COLUMNS = (
    "id", "kind", "account_id", "contra", "amount", "d_posted", "d_held", "seq", "posted_after", "held_after",
    "hold_id", "reverses_id", "job_id", "attempt", "expires_at", "key", "actor", "reason", "meta",
)  # fmt: skip
_INSERT = f"""
INSERT INTO dust_transfer ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"%({column})s" for column in _COLUMNS)})
RETURNING id
"""  # noqa: S608 (column names of ours)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer as the ledger answers with it; `created` is False when it was there already (a replay)."""

    id: uuid.UUID
    kind: str
    account_id: int
    amount: int
    posted_after: int
    held_after: int
    created: bool

    @classmethod
    def replayed(cls, transfer: Transfer) -> Self:
        return cls(
            id=transfer.id,
            kind=transfer.kind,
            account_id=transfer.account_id,
            amount=transfer.amount,
            posted_after=transfer.posted_after,
            held_after=transfer.held_after,
            created=False,
        )

    @property
    def available_after(self) -> int:
        """What could be spent right after it."""
        return self.posted_after - self.held_after


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A transfer to be written. `guard` names the column that must be new for this not to be a replay."""

    kind: Kind
    account_id: int
    contra: Contra
    amount: int
    key: str
    guard: Guard = "key"
    d_posted: int = 0
    d_held: int = 0
    hold_id: uuid.UUID | None = None
    reverses_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None
    attempt: int | None = None
    expires_at: datetime.datetime | None = None
    actor: str = "system"
    reason: str = ""
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)


def write(entry: Entry) -> Movement | None:
    """Move the balance and write the row, or return None and change nothing (replayed, refused, no account).

    Needs a transaction. Raise ConcurrentDuplicate, with the transaction marked for rollback, when another
    session got there first: SQLite undoes only the statement that failed, and a caller who swallowed
    the error would commit a balance without its transfer.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE.format(guard=entry.guard), _balance_parameters(entry))
            row = cursor.fetchone()
            if row is None:
                return None
            values = _values(entry, seq=row[0], posted_after=row[1], held_after=row[2])
            cursor.execute(_INSERT, _row_parameters(values))
    except IntegrityError as error:
        transaction.set_rollback(True)
        raise ConcurrentDuplicate from error
    return Movement(
        id=values["id"],
        kind=entry.kind.value,
        account_id=entry.account_id,
        amount=entry.amount,
        posted_after=values["posted_after"],
        held_after=values["held_after"],
        created=True,
    )


def _values(entry: Entry, **after: int) -> dict[str, Any]:
    fields = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    return {**fields, "id": uuid7(), **after}


def _balance_parameters(entry: Entry) -> dict[str, Any]:
    guarded = getattr(entry, entry.guard)
    return {
        "account_id": entry.account_id,
        "d_posted": entry.d_posted,
        "d_held": entry.d_held,
        "even_frozen": entry.kind != Kind.HOLD,
        "guarded": _adapted(entry.guard, guarded),
    }


def _row_parameters(values: dict[str, Any]) -> dict[str, Any]:
    return {column: _adapted(column, values[column]) for column in _COLUMNS}


def _adapted(column: str, value: Any) -> Any:
    """Return `value` as this database stores it (UUIDs, times and JSON differ)."""
    return _FIELDS[column].get_db_prep_save(value, connection)


_FIELDS: dict[str | None, Any] = {field.column: field for field in Transfer._meta.concrete_fields}  # noqa: SLF001
