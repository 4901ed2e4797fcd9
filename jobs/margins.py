"""What jobs brought in DUST and what their providers cost in money, by day and model. Currencies never mix.

Amounts of money are whole millionths of a currency, as they are stored.
"""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import TruncDate

from jobs import catalogue
from jobs.models import Job, RemoteState, RemoteTask
from jobs.providers.remote import Cost
from jobs.states import FINISHED, Status
from jobs.worth import Worth

DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(slots=True, kw_only=True)
class Line:
    """Jobs that ended: how many, the DUST that stayed charged, and what providers cost by currency.

    `unknown` counts submissions that may have been taken and of which no cost is known; `unmade` those among
    them that the provider has ended without a video.
    """

    model: str
    day: datetime.date | None = None
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    dust: int = 0
    reported: Counter[str] = dataclasses.field(default_factory=Counter)
    by_table: Counter[str] = dataclasses.field(default_factory=Counter)
    unknown: int = 0
    unmade: int = 0

    @property
    def costs(self) -> dict[str, int]:
        """What is known of the cost, by currency."""
        found = Counter(self.reported)
        found.update(self.by_table)
        return {currency: micros for currency, micros in found.items() if micros}

    def add(self, other: "Line") -> None:
        for name in ("completed", "failed", "cancelled", "dust", "unknown", "unmade"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reported.update(other.reported)
        self.by_table.update(other.by_table)

    def margin(self, worth: Worth) -> int | None:
        """Return the DUST's worth less the known cost; None if some of that is in another currency."""
        costs = self.costs
        own = costs.pop(worth.currency, 0)
        return None if costs else worth.of(self.dust) - own


@dataclasses.dataclass(slots=True, kw_only=True)
class Unsettled:
    """Submissions that staff have to look up: how many, since when, and what they cost or may cost.

    `known` is what was noted for them already, `owed` what the rest may cost by the price table as it is now;
    for `unpriced` of them it has no price.
    """

    number: int = 0
    oldest: datetime.datetime | None = None
    known: Counter[str] = dataclasses.field(default_factory=Counter)
    owed: Counter[str] = dataclasses.field(default_factory=Counter)
    priced: int = 0
    unpriced: int = 0


class UtcDay(TruncDate):
    """The day of a time, in UTC. On SQLite the beginning of the text, where Django would call Python."""

    def __init__(self, expression: str) -> None:
        super().__init__(expression, tzinfo=datetime.UTC)

    def as_sqlite(self, compiler: Any, *_: Any, **__: Any) -> tuple[str, Any]:
        text, parameters = compiler.compile(self.lhs)
        return f"SUBSTR({text}, 1, 10)", parameters


def by_day(first: datetime.date, last: datetime.date) -> list[Line]:
    """Return a line for each day (UTC, both included) and model with jobs that ended, the latest first."""
    lines: dict[tuple[datetime.date, str], Line] = {}
    for row in _earned(first, last):
        line = Line(model=row["model"], day=row["day"])
        line.completed, line.failed, line.cancelled = row["completed"], row["failed"], row["cancelled"]
        line.dust = row["earned"] or 0
        lines[row["day"], row["model"]] = line
    for row in _paid(first, last):
        # of a job that ended between the two queries
        line = lines.setdefault((row["day"], row["alias"]), Line(model=row["alias"], day=row["day"]))
        line.unknown += row["number"] - row["known"]
        line.unmade += row["unmade"]
        if row["known"]:
            costs = line.reported if row["is_cost_reported"] else line.by_table
            costs[row["currency"].upper()] += row["micros"]
    return sorted(lines.values(), key=lambda line: (-_day(line).toordinal(), line.model))


def by_model(lines: Iterable[Line]) -> list[Line]:
    """Return the sums of these lines, one for each model."""
    found: dict[str, Line] = {}
    for line in lines:
        found.setdefault(line.model, Line(model=line.model)).add(line)
    return [found[model] for model in sorted(found)]


def total(lines: Iterable[Line]) -> Line:
    """Return the sum of these lines."""
    found = Line(model="")
    for line in lines:
        found.add(line)
    return found


def unsettled() -> Unsettled:
    """Return what is to be looked up, whenever it was sent."""
    found = Unsettled()
    groups = RemoteTask.objects.to_review().order_by().values("model", "currency", "job__duration")
    for row in groups.annotate(
        number=Count("id"), known=Count("cost_micros"), micros=Sum("cost_micros"), oldest=Min("intended_at")
    ):
        found.number += row["number"]
        found.oldest = min(found.oldest or row["oldest"], row["oldest"])
        if row["known"]:
            found.known[row["currency"].upper()] += row["micros"]
        number, cost = row["number"] - row["known"], _by_table(row["model"], row["job__duration"])
        if cost is None:
            found.unpriced += number
        else:
            found.priced += number
            found.owed[cost.currency.upper()] += number * cost.micros
    return found


def _earned(first: datetime.date, last: datetime.date) -> Iterable[Mapping[str, Any]]:
    """Count jobs by the day on which they ended; the index of those times bounds what is read."""
    ended = Job.objects.finished().filter(finished_at__gte=_start(first), finished_at__lt=_start(last + DAY))
    days = ended.order_by().values("model", day=UtcDay("finished_at"))
    done = Q(status=Status.COMPLETED)
    return days.annotate(
        completed=Count("id", filter=done),
        failed=Count("id", filter=Q(status=Status.FAILED)),
        cancelled=Count("id", filter=Q(status=Status.CANCELLED)),
        earned=Sum("cost", filter=done),
    )


def _paid(first: datetime.date, last: datetime.date) -> Iterable[Mapping[str, Any]]:
    """Sum the submissions of the same jobs, by the model that the job asked for."""
    taken = RemoteTask.objects.maybe_taken().filter(
        job__status__in=FINISHED,
        job__finished_at__gte=_start(first),
        job__finished_at__lt=_start(last + DAY),
    )
    days = taken.order_by().values(
        "currency",
        "is_cost_reported",
        alias=F("job__model"),
        day=UtcDay("job__finished_at"),
    )
    return days.annotate(
        number=Count("id"),
        known=Count("cost_micros"),
        unmade=Count("id", filter=Q(cost_micros=None, state=RemoteState.NOT_MADE)),
        micros=Sum("cost_micros"),
    )


def _by_table(alias: str, duration: str) -> Cost | None:
    model = catalogue.get(alias)
    return model.cost(duration) if model else None


def _start(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)


def _day(line: Line) -> datetime.date:
    assert line.day is not None  # noqa: S101 - of a day
    return line.day
