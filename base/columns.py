"""Columns that Django does not have."""

import json
from typing import Any

from django.db import models


class ExactJson(models.TextField):  # type: ignore[type-arg]
    """A caller's JSON, given back as it came: order of keys, 1e300 and "\\u0000" included.

    PostgreSQL's jsonb sorts keys, writes 1e300 out in 301 digits, and refuses "\\u0000". Nothing here is
    ever searched, so it is kept as text, and SQLite and PostgreSQL behave alike.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Return the text to store. Raise ValueError for NaN and the infinities, which are not JSON."""
        if value is None:
            return None
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
