"""Moments by the database's clock, the only one that decides anything."""

import datetime
from typing import Any

from django.conf import settings
from django.db.models import DurationField, Value
from django.db.models.functions import Now


def from_now(span: datetime.timedelta) -> Any:
    """Return the moment `span` from now, as an expression."""
    return Now() + Value(span, output_field=DurationField())


def now() -> Any:
    """Return this moment, for asking whether one has come that was written as `Now()` or by `from_now`.

    SQLite compares times as text, and has `Now()` with three digits of the second, `from_now` with six, or
    none when they are all zero: what is due at once would not be due in the millisecond that wrote it. With
    one microsecond more the text always has six digits, and none of the same millisecond is later.
    """
    return from_now(datetime.timedelta(microseconds=1))


def lease() -> Any:
    """Return the moment until which a worker that gives a sign of life now has its job."""
    return from_now(settings.JOB_LEASE)
