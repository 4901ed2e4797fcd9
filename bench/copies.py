"""Makes rows for many jobs out of an example's: other ids, owners, times and balances; all else as it was."""

import dataclasses
import datetime
import functools
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.db.models import AutoField, Model

from bench import examples
from bench.examples import Example

Row = list[Any]
Change = Callable[[Any, "Job"], Any]


@dataclasses.dataclass(slots=True)
class Purse:
    """An account, and how far its history has come."""

    user_id: uuid.UUID
    account_id: int
    seq: int = 0
    posted: int = 0
    held: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """What is particular to one copy."""

    number: int
    at: datetime.datetime
    purse: Purse

    def id(self, part: int) -> uuid.UUID:
        """Return a UUIDv7 of the job's own time; `part` tells the job's rows apart."""
        milliseconds = int(self.at.timestamp() * 1000)
        return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | part << 64 | 0x2 << 62 | self.number)


JOB, VIDEO, TRANSFER = 0, 1, 2


class Pattern:
    """One row of an example, and which of its columns differ from copy to copy."""

    def __init__(self, row: Model, base: datetime.datetime, changes: dict[str, Change]) -> None:
        self.table = row._meta.db_table  # noqa: SLF001
        values = examples.column_values(row, connection)
        if isinstance(row._meta.pk, AutoField) and row._meta.pk.column not in changes:  # noqa: SLF001
            del values[row._meta.pk.column]  # noqa: SLF001 - the database counts them itself
        self.columns = tuple(values)
        self.key = (self.table, self.columns)
        self._row = list(values.values())
        places = {column: place for place, column in enumerate(self.columns)}
        self._changes = [(places[column], change) for column, change in changes.items()]
        self._times = [
            (places[field.column], getattr(row, field.attname) - base)
            for field in row._meta.concrete_fields  # noqa: SLF001
            if isinstance(getattr(row, field.attname), datetime.datetime)
        ]

    def copy(self, job: Job) -> Row:
        row = self._row.copy()
        for place, since in self._times:
            row[place] = as_time(job.at + since)
        for place, change in self._changes:
            row[place] = change(row[place], job)
        return row


def patterns(example: Example) -> list[Pattern]:
    """Return the patterns of all rows of a job, in the order in which they are to be copied."""
    job_id: Change = lambda _, job: as_uuid(job.id(JOB))  # noqa: E731
    owner: Change = lambda _, job: as_uuid(job.purse.user_id)  # noqa: E731
    video_id: Change = lambda _, job: as_uuid(job.id(VIDEO))  # noqa: E731
    own = {"id": job_id, "user_id": owner, **({"video_id": video_id} if example.video else {})}
    found = [Pattern(example.job, example.at, own)]
    found += [Pattern(event, example.at, {"job_id": job_id}) for event in example.events]
    found += [_movement(example, number) for number in range(len(example.transfers))]
    if example.video:
        names = {
            "file": lambda _, job: f"{job.id(VIDEO)}.mp4",
            "poster": lambda _, job: f"{job.id(VIDEO)}.jpg",
        }
        found.append(Pattern(example.video, example.made_at, {"id": video_id, "user_id": owner, **names}))
    if example.message:
        found.append(Pattern(example.message, example.made_at, {"job_id": job_id}))
    return found


def _movement(example: Example, number: int) -> Pattern:
    transfer = example.transfers[number]
    places = {earlier.id: place for place, earlier in enumerate(example.transfers)}
    changes: dict[str, Change] = {
        "id": _id_of(number),
        "job_id": lambda _, job: as_uuid(job.id(JOB)),
        "key": lambda _, job: transfer.key.replace(str(example.job.id), str(job.id(JOB))),
        "account_id": lambda _, job: job.purse.account_id,
        # in this order: the first moves the purse on, the others read it
        "seq": lambda _, job: _move(job.purse, transfer.d_posted, transfer.d_held),
        "posted_after": lambda _, job: job.purse.posted,
        "held_after": lambda _, job: job.purse.held,
    }
    if transfer.hold_id:
        changes["hold_id"] = _id_of(places[transfer.hold_id])
    if transfer.reverses_id:
        changes["reverses_id"] = _id_of(places[transfer.reverses_id])
    return Pattern(transfer, example.made_at, changes)


def opening(transfer: Any) -> Pattern:
    """Return the pattern of the grant that an account begins with."""
    changes: dict[str, Change] = {
        "id": _id_of(100),
        "key": lambda _, job: f"bench:{job.purse.user_id}",
        "account_id": lambda _, job: job.purse.account_id,
        "seq": lambda _, job: _move(job.purse, transfer.d_posted, transfer.d_held),
        "posted_after": lambda _, job: job.purse.posted,
        "held_after": lambda _, job: job.purse.held,
    }
    return Pattern(transfer, transfer.created_at, changes)


def _id_of(number: int) -> Change:
    return lambda _, job: as_uuid(job.id(TRANSFER + number))


def _move(purse: Purse, d_posted: int, d_held: int) -> int:
    purse.seq += 1
    purse.posted += d_posted
    purse.held += d_held
    return purse.seq


def as_uuid(value: uuid.UUID) -> Any:
    """Return it as this database is given it."""
    return value if _is_postgresql() else value.hex


def as_time(value: datetime.datetime) -> Any:
    """Return it as this database is given it."""
    return value if _is_postgresql() else connection.ops.adapt_datetimefield_value(value)


@functools.cache
def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"  # asked of Django for each value this took half of the time


def write(table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Write rows as fast as the database takes them, all its constraints and triggers at work."""
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if _is_postgresql():
            with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)
