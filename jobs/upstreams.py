"""Providers' accounts, and the models of each: who may submit now. The circuit breakers are shared by all
workers through the database.

Closed for a while after failures in a row, twice as long each time; then one job at a time tries, and the
first that is taken opens it again. A provider that says when to come back is taken at its word.
"""

import dataclasses
import datetime
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Greatest, Now

from jobs import clock
from jobs.catalogue import Model, Remote
from jobs.models import RemoteState, RemoteTask, Upstream
from jobs.providers.remote import Refused

FIRST_PAUSE = 2.0  # seconds
LONGEST_PAUSE = 60.0
CACHE_SECONDS = 2
SUBMIT_SECONDS = 90.0  # pictures are sent along, and some think before they answer
# As long as a request may last; after that its sender has died, and is not waited for.
SENDING = Q(
    state=RemoteState.INTENDED, intended_at__gt=Now() - datetime.timedelta(seconds=2 * SUBMIT_SECONDS)
)
DOWN = "Waiting for the provider, which is not available at the moment"
TURN = "Waiting for its turn at the provider"


def account_of(model: Model) -> str:
    """Return the name under which a remote model's limits count."""
    remote = _remote(model)
    return remote.account or remote.key or model.alias


def names(account: str, alias: str) -> tuple[str, str]:
    """Return the names of the breakers that a submit has to pass: the account's, and the model's in it."""
    return account, f"{account}: {alias}"


def names_of(model: Model) -> tuple[str, str]:
    return names(account_of(model), model.alias)


def rooms(models: Iterable[Model]) -> dict[str, int]:
    """Return for each breaker how many jobs more may be started now."""
    return rooms_within({name: _remote(model).in_flight for model in models for name in names_of(model)})


def room(rooms: dict[str, int], model: Model) -> int:
    """Return how many of them may go to this model."""
    return min(rooms[name] for name in names_of(model))


def rooms_within(limits: dict[str, int]) -> dict[str, int]:
    """Return the same for breakers with these limits of jobs in flight."""
    count, sending = Counter[str](), Counter[str]()
    tasks = RemoteTask.objects.open().filter(account__in=limits).values("account", "model").order_by()
    for row in tasks.annotate(n=Count("id"), sending=Count("id", filter=SENDING)):
        for name in names(row["account"], row["model"]):
            count[name] += row["n"]
            sending[name] += row["sending"]
    rooms = {name: max(0, limit - count[name]) for name, limit in limits.items()}
    for upstream in Upstream.objects.filter(account__in=limits).annotate(now=Now()):
        name = upstream.account
        if upstream.closed_until is not None and upstream.closed_until > upstream.now:
            rooms[name] = 0
        elif upstream.failures:  # one tries for all, and the next when it is known how that went
            rooms[name] = 0 if sending[name] else min(1, rooms[name])
    return rooms


def failed(account: str, alias: str, why: Refused) -> None:
    """Note that nothing is taken at the moment, or that less is asked for."""
    name = names(account, alias)[why.of_model]
    Upstream.objects.get_or_create(account=name)
    rows = Upstream.objects.filter(account=name)
    counted: dict[str, Any] = {"failures": Greatest(F("failures"), 1)}
    if why.is_outage:
        counted = {"failures": F("failures") + 1, "changed_at": Now()}
    with transaction.atomic():  # from the first change on nobody else changes the row
        rows.update(said=why.detail, **counted)
        seconds = max(why.pause or 0.0, pause(rows.values_list("failures", flat=True).get()))
        until = clock.from_now(datetime.timedelta(seconds=seconds))
        rows.update(closed_until=Greatest(Coalesce(F("closed_until"), Now()), until))


def worked(task: RemoteTask) -> None:
    """Note that a job was taken. A pause that was asked for meanwhile is kept."""
    shut = Upstream.objects.filter(account__in=names(task.account, task.model), failures__gt=0)
    shut.update(failures=0, said="", changed_at=Now())


def pause(failures: int) -> float:
    """Return for how many seconds nothing is tried after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(max(failures - 1, 0), 10), LONGEST_PAUSE)


def is_down(model: Model) -> bool:
    """Return whether a model's provider takes nothing at the moment; remembered for a moment."""
    if model.remote is None:
        return False
    key = f"upstream:{model.alias}"
    found = cache.get(key)
    if found is None:
        found = bool(_down([model]))
        cache.set(key, found, CACHE_SECONDS)
    return bool(found)


def wait(models: Iterable[Model]) -> str:
    """Return what a job waits for that none of these models takes now: its turn, unless all are down."""
    known = list(models)
    down = _down(known)
    return DOWN if all(down.intersection(names_of(model)) for model in known) else TURN


def _down(models: Iterable[Model]) -> set[str]:
    """Return the breakers of these models that more than an accident has opened."""
    known = [name for model in models for name in names_of(model)]
    return set(Upstream.objects.filter(account__in=known, failures__gt=1).values_list("account", flat=True))


def opens_in(models: Iterable[Model]) -> float:
    """Return for how many seconds it is of no use to ask again whether one of these takes a job."""
    breakers = [names_of(model) for model in models]
    every = [name for names in breakers for name in names]
    closed = Upstream.objects.filter(account__in=every, closed_until__gt=Now())
    times = closed.values_list("account", "closed_until", Now())
    left: dict[str, float] = {name: (until - now).total_seconds() for name, until, now in times}
    soonest = min(max(left.get(name, 0.0) for name in names) for names in breakers)
    return min(max(soonest, FIRST_PAUSE), LONGEST_PAUSE)


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
