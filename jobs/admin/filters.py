"""The filters beside the list of jobs. None of them reads the table to find out what can be chosen."""

import datetime
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from base import ids
from jobs import catalogue
from jobs.models import Job

DAY = datetime.timedelta(days=1)
FROM, TO = "from", "to"


class ModelFilter(admin.SimpleListFilter):
    """The models that can be asked for today; an older one can be named in the address."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(alias, alias) for alias in catalogue.usable()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(model=self.value()) if self.value() else queryset


class TroubleFilter(admin.SimpleListFilter):
    """What does not get on by itself."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stalled", "Its worker is silent"), ("overdue", "Waits past its deadline")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Job]:
        if self.value() == "stalled":
            queryset = queryset.stalled()
        elif self.value() == "overdue":
            queryset = queryset.overdue()
        narrowed: QuerySet[Job] = queryset
        return narrowed


class DayFilter(admin.ListFilter):
    """From one day to another (UTC), both included. The ids begin with the time, so their index serves it."""

    title = "day"
    template = "admin/jobs/job/day_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.days = {name: _day(params.pop(name)[-1]) for name in (FROM, TO) if name in params}
        self.kept: list[tuple[str, str]] = []

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [FROM, TO]

    @property
    def first(self) -> datetime.date | None:
        return self.days.get(FROM)

    @property
    def last(self) -> datetime.date | None:
        return self.days.get(TO)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if self.first:
            queryset = queryset.filter(id__gte=ids.lowest_at(_midnight(self.first)))
        if self.last:
            queryset = queryset.filter(id__lt=ids.lowest_at(_midnight(self.last) + DAY))
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Offer the usual spans; what else is in the address goes along with the dates of the form."""
        self.kept = [
            (name, value) for name, value in changelist.params.items() if name not in (FROM, TO, "p")
        ]
        today = timezone.now().date()
        spans = {
            "Any day": None,
            "Today": today,
            "Past 7 days": today - 6 * DAY,
            "Past 30 days": today - 29 * DAY,
        }
        for words, first in spans.items():
            yield {
                "selected": self.first == first and self.last is None,
                "query_string": changelist.get_query_string({FROM: first}, [FROM, TO]),
                "display": words,
            }


def _day(text: str) -> datetime.date | None:
    try:
        day = datetime.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise IncorrectLookupParameters from error
    if day and day.year == datetime.MAXYEAR:  # there is no day after it
        raise IncorrectLookupParameters
    return day


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
