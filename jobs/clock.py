"""Moments by the database's clock, the only one that decides anything."""

import datetime
from typing import Any

from django.conf import settings
from django.db.models import DurationField, Value
from django.db.models.functions import Now


def from_now(span: datetime.timedelta) -> Any:
    """Return the moment `span` from now, as an expression."""
    return Now() + Value(span, output_field=DurationField())


def lease() -> Any:
    """Return the moment until which a worker that gives a sign of life now has its job."""
    return from_now(settings.JOB_LEASE)
