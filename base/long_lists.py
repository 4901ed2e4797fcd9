"""Admin lists of long tables: pages are turned without counting the rows."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

PAGE_SIZE = 50
LAST_PAGE = 1000  # the database walks over all rows before a page: who needs more needs a filter


class NextPagePaginator(Paginator):  # type: ignore[type-arg]
    """Looks one row past the page asked for, which is all that a link to the next one needs to know."""

    def __init__(self, rows: QuerySet[Any], per_page: int, *, number: int) -> None:
        super().__init__(rows, per_page)
        self.rows = rows
        self.number = number

    @cached_property
    def count(self) -> int:
        """Return the rows up to here, and one more if there is one; not all that there are."""
        before = (self.number - 1) * self.per_page
        return before + len(self.rows.values_list("pk")[before : before + self.per_page + 1])


class LongList(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows of a long table, newest first, to look at: nothing is counted, added, changed or deleted."""

    change_list_template = "admin/long_list.html"
    list_per_page = PAGE_SIZE
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions: Sequence[str] | None = None

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *_: Any, **__: Any) -> Any:
        return NextPagePaginator(queryset, self.list_per_page, number=_page_number(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _page_number(request: HttpRequest) -> int:
    try:
        return min(max(int(request.GET.get("p", 1)), 1), LAST_PAGE)
    except ValueError:
        return 1
