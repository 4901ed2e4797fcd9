"""`limit`/`offset` for lists, with bounds that answer 400 instead of being bent silently."""

import dataclasses
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

MAX_OFFSET = 1_000_000


class PageQuery(serializers.Serializer[Any]):
    """The two query parameters of every list; subclass it to add a list's own."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)


class PaginationSerializer(serializers.Serializer[Any]):
    """Where a page lies in the whole list."""

    total = serializers.IntegerField(min_value=0, help_text="Rows in the whole list.")
    limit = serializers.IntegerField(min_value=1, max_value=100)
    offset = serializers.IntegerField(min_value=0)
    has_more = serializers.BooleanField(help_text="Whether there are rows after this page.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of rows, and the numbers that go with it."""

    rows: list[Any]
    total: int
    limit: int
    offset: int

    @property
    def pagination(self) -> dict[str, int | bool]:
        more = self.offset + len(self.rows) < self.total
        return {"total": self.total, "limit": self.limit, "offset": self.offset, "has_more": more}


def query(request: Request, serializer: type[PageQuery] = PageQuery) -> dict[str, Any]:
    """Return the validated query parameters. Raise ValidationError."""
    checked = serializer(data=request.query_params)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def page(rows: QuerySet[Any], *, limit: int, offset: int, total: int | None = None) -> Page:
    """Return the asked page of `rows`, which must be ordered; who knows their `total` saves counting them."""
    if total is None:
        total = rows.order_by().count()
    return Page(rows=list(rows[offset : offset + limit]), total=total, limit=limit, offset=offset)
