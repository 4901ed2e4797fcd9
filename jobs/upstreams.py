"""Providers' accounts: who may submit now. The circuit breaker is shared by all workers through the database.

Closed for a while after failures in a row, twice as long each time; then one job at a time tries, and the
first that is taken opens it again. A provider that says when to come back is taken at its word.
"""

import dataclasses
import datetime
import time
from collections.abc import Iterable

from django.core.cache import cache
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Greatest, Now

from jobs import catalogue, clock
from jobs.catalogue import Model, Remote
from jobs.models import RemoteState, RemoteTask, Upstream
from jobs.providers.remote import Refused

FIRST_PAUSE = 2.0  # seconds
LONGEST_PAUSE = 60.0
CACHE_SECONDS = 2
SENDING = Q(state=RemoteState.INTENDED)
DOWN = "Waiting for the provider, which is not available at the moment"


def account_of(model: Model) -> str:
    """Return the name under which a remote model's limits count."""
    remote = _remote(model)
    return remote.account or remote.key or model.alias


def accounts(model: Model) -> list[str]:
    """Return the accounts that may come to make a model's videos: its own, then those it falls back to."""
    others = (catalogue.get(alias) for alias in _remote(model).fallback)
    return list(dict.fromkeys(account_of(each) for each in (model, *others) if each and each.remote))


def rooms(models: Iterable[Model]) -> dict[str, int]:
    """Return for each account how many jobs more may be started now."""
    return rooms_within({account_of(model): _remote(model).in_flight for model in models})


def rooms_within(limits: dict[str, int]) -> dict[str, int]:
    """Return the same for accounts with these limits of jobs in flight."""
    tasks = RemoteTask.objects.open().filter(account__in=limits).values("account").order_by()
    counts = {
        row["account"]: row for row in tasks.annotate(n=Count("id"), sending=Count("id", filter=SENDING))
    }
    nothing = {"n": 0, "sending": 0}
    rooms = {account: max(0, limit - counts.get(account, nothing)["n"]) for account, limit in limits.items()}
    for upstream in Upstream.objects.filter(account__in=limits).annotate(now=Now()):
        account = upstream.account
        if upstream.closed_until is not None and upstream.closed_until > upstream.now:
            rooms[account] = 0
        elif upstream.failures:  # one tries for all, and the next when it is known how that went
            rooms[account] = 0 if counts.get(account, nothing)["sending"] else min(1, rooms[account])
    return rooms


def failed(account: str, why: Refused) -> None:
    """Note that nothing is taken at the moment, or that less is asked for."""
    Upstream.objects.get_or_create(account=account)
    rows = Upstream.objects.filter(account=account)
    if why.is_outage:
        rows.update(failures=F("failures") + 1, changed_at=Now())
    failures = rows.values_list("failures", flat=True).get()
    seconds = max(why.pause or 0.0, pause(failures))
    until = Greatest(Coalesce(F("closed_until"), Now()), clock.from_now(datetime.timedelta(seconds=seconds)))
    rows.update(closed_until=until, failures=max(1, failures), said=why.detail)


def worked(account: str) -> None:
    """Note that a job was taken. A pause that was asked for meanwhile is kept."""
    Upstream.objects.filter(account=account, failures__gt=0).update(failures=0, said="", changed_at=Now())


def pause(failures: int) -> float:
    """Return for how many seconds nothing is tried after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 10), LONGEST_PAUSE)


def is_down(model: Model) -> bool:
    """Return whether a model's provider takes nothing at the moment; remembered for a moment."""
    if model.remote is None:
        return False
    account = account_of(model)
    found = cache.get(f"upstream:{account}")
    if found is None:
        found = Upstream.objects.filter(account=account, failures__gt=1).exists()
        cache.set(f"upstream:{account}", found, CACHE_SECONDS)
    return bool(found)


@dataclasses.dataclass
class Pace:
    """Spreads the submits of one process to one account: so many a second, no burst."""

    per_second: float
    next_at: float = 0.0

    def delay(self) -> float:
        """Take the next turn; return the seconds until it comes."""
        now = time.monotonic()
        turn = max(now, self.next_at)
        self.next_at = turn + 1 / self.per_second
        return turn - now


def _remote(model: Model) -> Remote:
    assert model.remote is not None  # noqa: S101 - the caller knows
    return model.remote
