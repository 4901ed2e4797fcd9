"""Staff's page about cost and margin: plain functions from what was counted to words."""

import dataclasses
import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from jobs import margins, worth
from jobs.admin import wording
from jobs.margins import DAY, Line, Unsettled
from jobs.providers.exchange import MILLION
from jobs.worth import Worth

SPANS = (7, 30, 90)  # days
USUAL = 30
NOTHING = "–"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line in words; of money there is one entry for each currency."""

    day: datetime.date | None
    model: str
    completed: int
    failed: int
    cancelled: int
    dust: str
    reported: list[str]
    by_table: list[str]
    unknown: str
    margin: str
    is_loss: bool


def context(asked: str) -> dict[str, Any]:
    """Return what the template needs to know; `asked` is how many days are wanted."""
    days = int(asked) if asked in map(str, SPANS) else USUAL
    last = timezone.now().date()
    first = last - (days - 1) * DAY
    lines, value = margins.by_day(first, last), worth.of_one()
    return {
        "days": days,
        "spans": SPANS,
        "first": first,
        "last": last,
        "worth": settings.DUST_VALUE if value else "",
        "is_cut_short": days * DAY > settings.JOB_RETENTION,
        "retention": settings.JOB_RETENTION.days,
        "total": total(lines, value),
        "models": [row(line, value) for line in margins.by_model(lines)],
        "rows": [row(line, value) for line in lines],
        "unsettled": unsettled(margins.unsettled()),
    }


def total(lines: list[Line], value: Worth | None) -> Row:
    """Return the sum of all. DUST for which no provider was asked would say nothing of what one costs."""
    found = row(margins.total(lines), value)
    if value:
        return found
    asked = [line for line in lines if line.costs or line.unknown]
    return dataclasses.replace(found, margin=ratio(margins.total(asked)))


def row(line: Line, value: Worth | None) -> Row:
    margin = line.margin(value) if value else None
    return Row(
        day=line.day,
        model=line.model,
        completed=line.completed,
        failed=line.failed,
        cancelled=line.cancelled,
        dust=dust(line, value),
        reported=amounts(line.reported),
        by_table=amounts(line.by_table),
        unknown=unknown(line),
        margin=remainder(line, value, margin) if value else ratio(line),
        is_loss=margin is not None and margin < 0,
    )


def dust(line: Line, value: Worth | None) -> str:
    """Return the DUST, and what it is worth: "1,200 (12.00 USD)"."""
    if value is None or not line.dust:
        return f"{line.dust:,}"
    return f"{line.dust:,} ({wording.amount(value.of(line.dust), value.currency)})"


def unknown(line: Line) -> str:
    """Return how many submissions have no known cost: "3 (2 made no video)"."""
    if not line.unknown:
        return NOTHING
    return f"{line.unknown:,}" + (f" ({line.unmade:,} made no video)" if line.unmade else "")


def remainder(line: Line, value: Worth, margin: int | None) -> str:
    """Return the margin in money and as a share: "7.20 USD (60%)"."""
    if margin is None:
        return "some cost is in another currency"
    brought = value.of(line.dust)
    share = f" ({100 * Decimal(margin) / brought:.0f}%)" if brought else ""
    return f"{_bound(line)}{wording.amount(margin, value.currency)}{share}"


def ratio(line: Line) -> str:
    """Return the DUST for one unit of cost: "166.7 DUST per USD"."""
    if not line.costs:
        return "cost not known" if line.unknown else NOTHING
    if len(line.costs) > 1:
        return "cost is in several currencies"
    [(currency, micros)] = line.costs.items()
    return f"{_bound(line)}{Decimal(line.dust) * MILLION / micros:,.1f} DUST per {currency}"


def unsettled(found: Unsettled) -> dict[str, Any]:
    age = wording.span(timezone.now() - found.oldest) if found.oldest else ""
    return {
        "number": found.number,
        "oldest": found.oldest,
        "age": age,
        "known": amounts(found.known),
        "owed": amounts(found.owed),
        "priced": found.priced,
        "unpriced": found.unpriced,
    }


def amounts(costs: Mapping[str, int]) -> list[str]:
    """Return sums of money, one for each currency."""
    return [wording.amount(micros, currency) for currency, micros in sorted(costs.items())]


def _bound(line: Line) -> str:
    """Where costs are missing, what is left can only be less."""
    return "at most " if line.unknown else ""
