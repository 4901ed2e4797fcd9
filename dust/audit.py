"""Checks the books: every invariant of this app and of those that register their own, in one snapshot.

It never repairs. A wrong balance is put right by `ledger.adjust`, with a reason.
"""

import contextlib
import dataclasses
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction

from dust import invariants, triggers
from dust.invariants import Check
from dust.models import Contra

TRIGGERS_PRESENT = 20  # 1 to 14 and 21 are ours, 15 to 19 are for the app whose jobs move the dust
_checks: dict[int, Check] = {check.number: check for check in invariants.CHECKS}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule broken by one row; ids are None where the rule is about everything."""

    number: int
    rule: str
    account_id: int | None = None
    job_id: uuid.UUID | None = None
    transfer_id: uuid.UUID | None = None

    def __str__(self) -> str:
        ids = {"account": self.account_id, "job": self.job_id, "transfer": self.transfer_id}
        where = ", ".join(f"{name} {value}" for name, value in ids.items() if value is not None)
        return f"{self.number}. {self.rule} Broken by {where or 'the whole'}."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What there is, and what is wrong with it. `issued` and the like are the system accounts' balances."""

    accounts: int
    transfers: int
    posted: int
    held: int
    system: dict[str, int]
    violations: list[Violation]


def register(checks: Iterable[Check]) -> None:
    """Add another app's rules, to be checked with ours. A number stands for one rule: the last one wins."""
    _checks.update((check.number, check) for check in checks)


def violations() -> list[Violation]:
    """Return everything that is wrong, in the order of the rules."""
    with _snapshot():
        return list(_violations())


def report() -> Report:
    """Return the violations and the totals of one moment."""
    with _snapshot():
        (accounts, posted, held), *_ = _rows(
            "SELECT COUNT(*), COALESCE(SUM(posted), 0), COALESCE(SUM(held), 0) FROM dust_account"
        )
        sums = _rows("SELECT contra, COUNT(*), SUM(d_posted) FROM dust_transfer GROUP BY contra")
        system = {code.value: 0 for code in Contra} | {contra: -int(total) for contra, _, total in sums}
        return Report(
            accounts=int(accounts),
            transfers=sum(count for _, count, _ in sums),
            posted=int(posted),
            held=int(held),
            system=system,
            violations=list(_violations()),
        )


def _violations() -> Iterator[Violation]:
    for number, check in sorted(_checks.items()):
        for account_id, job_id, transfer_id in _rows(check.sql):
            yield Violation(
                number=number,
                rule=check.rule,
                account_id=account_id,
                job_id=_uuid(job_id),
                transfer_id=_uuid(transfer_id),
            )
    for name in triggers.missing(connection):
        yield Violation(number=TRIGGERS_PRESENT, rule=f"The trigger {name} guards the books.")


def _rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _uuid(value: Any) -> uuid.UUID | None:
    """SQLite keeps UUIDs as 32 hexadecimal digits, PostgreSQL as UUIDs."""
    return None if value is None else uuid.UUID(str(value))


@contextlib.contextmanager
def _snapshot() -> Iterator[None]:
    """Read everything as of one moment and lock nobody out, so that live workers cause no false alarm."""
    if connection.in_atomic_block:  # the caller's transaction, with the caller's view
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            _execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        _execute("BEGIN DEFERRED")  # atomic() would say IMMEDIATE here, and keep writers waiting
        try:
            yield
        finally:
            _execute("ROLLBACK")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
