"""How receivers stand, and the only writer of that: one that fails is left alone for a while, then tried."""

import datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from jobs import clock, outbound
from webhooks import schedule
from webhooks.models import Endpoint, Receiver, ReceiverQuerySet
from webhooks.sending import Outcome

SLOW_SECONDS = 3.0  # an answer that takes longer makes its receiver share a few places with others like it
BUSY = frozenset({429, 503})  # what a server says with `Retry-After`
GONE = "It answered 410 Gone."
NEVER_TAKEN = "Nothing was taken for {:g} days."


def open_for(endpoint: Endpoint) -> Receiver:
    """Begin to note how an endpoint does."""
    return Receiver.objects.create(user_id=endpoint.user_id, endpoint=endpoint)


def of_url(user_id: Any, url: str) -> Receiver:
    """Return the one behind a `webhook_url` of a user's job. Raise OutboundRefused if it may not be asked."""
    checked = outbound.check(url)
    origin = f"{checked.scheme}://{checked.netloc.decode('ascii')}"
    return Receiver.objects.get_or_create(user_id=user_id, endpoint=None, origin=origin)[0]


def start_afresh(endpoint: Endpoint) -> None:
    """Forget that it failed; that it was slow only a prompt answer ends, or changing it would buy places."""
    afresh = {"failures": 0, "failing_since": None, "rests_until": None}
    Receiver.objects.filter(endpoint=endpoint).update(**afresh)


def served(receiver_id: int) -> None:
    """Note that something is sent: next time it is the others' turn first."""
    Receiver.objects.filter(id=receiver_id).update(served_at=Now())


def succeeded(receiver_id: int, outcome: Outcome) -> None:
    """Note a good answer."""
    Receiver.objects.filter(id=receiver_id).update(
        failures=0, failing_since=None, rests_until=None, is_slow=outcome.seconds > SLOW_SECONDS
    )


def failed(receiver_id: int, outcome: Outcome, *, was_last: bool) -> None:
    """Note a failure: from the third in a row on it rests, and after days of nothing else it is disabled.

    `was_last`: the message isn't tried again. Before that one the days may have been quiet ones.
    """
    Receiver.objects.filter(id=receiver_id).update(
        failures=F("failures") + 1,
        failing_since=Coalesce(F("failing_since"), Now()),
        is_slow=outcome.seconds > SLOW_SECONDS,
    )
    receiver = Receiver.objects.get(id=receiver_id)
    if rest := max(schedule.rest(receiver.failures), pause(outcome)):
        Receiver.objects.filter(id=receiver_id).update(rests_until=clock.from_now(rest))
    if receiver.endpoint_id:
        if outcome.is_gone:
            disable(receiver.endpoint_id, reason=GONE)
        elif was_last:
            condemn(Receiver.objects.filter(id=receiver_id))


def pause(outcome: Outcome) -> datetime.timedelta:
    """Return the time to wait that the server asked for."""
    if outcome.status not in BUSY:
        return datetime.timedelta()
    return schedule.asked_for(outcome.retry_after, outcome.at)


def condemn(candidates: ReceiverQuerySet) -> None:
    """Disable those that took nothing for days. Each has just had a message given up after its tries."""
    days = settings.WEBHOOK_DISABLE_AFTER
    failing = candidates.filter(failing_since__lt=Now() - days).exclude(endpoint=None)
    for endpoint_id in failing.values_list("endpoint", flat=True):
        disable(endpoint_id, reason=NEVER_TAKEN.format(days.total_seconds() / 86400))


def disable(endpoint_id: Any, *, reason: str) -> bool:
    """Send an endpoint nothing more; return whether it was enabled. What is pending is given up soon."""
    enabled = Endpoint.objects.filter(id=endpoint_id, disabled_at=None)
    return bool(enabled.update(disabled_at=Now(), disabled_reason=reason, updated_at=Now()))


def forget_unused() -> None:
    """Delete those of jobs' URLs that have no deliveries left."""
    Receiver.objects.filter(endpoint=None, deliveries=None).delete()
