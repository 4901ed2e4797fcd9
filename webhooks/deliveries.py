"""The only writer of deliveries: planned, taken by one courier at a time, ended or put off, played again."""

import collections
import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import Now, RowNumber

from jobs import clock
from webhooks import endpoints, places, receivers, schedule
from webhooks.errors import StillPending, WebhookDisabled, unless_gone
from webhooks.events import PING
from webhooks.models import Attempt, Delivery, Endpoint, Receiver, State
from webhooks.sending import Outcome, Parcel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be told to whom."""

    receiver: Receiver
    url: str
    job_id: uuid.UUID
    event_id: int
    type: str
    body: str


def plan(messages: Iterable[Message]) -> None:
    """Have messages sent, in the caller's transaction; one that was planned before changes nothing."""
    until = clock.from_now(schedule.lifetime())
    rows = [Delivery(give_up_at=until, **_fields(message)) for message in messages]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _fields(message: Message) -> dict[str, Any]:
    return {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}


@unless_gone()
def ping(endpoint: Endpoint, *, body: str) -> Delivery:
    """Have a test message sent. Raise WebhookDisabled or NoSuchWebhook."""
    _require_enabled(endpoint)
    until = clock.from_now(schedule.lifetime())
    with transaction.atomic():
        receiver = Receiver.objects.select_for_update().get(endpoint=endpoint)  # not to be deleted meanwhile
        delivery = Delivery.objects.create(receiver=receiver, type=PING, body=body, give_up_at=until)
        delivery.refresh_from_db()
    return delivery


@unless_gone()
def replay(delivery: Delivery) -> None:
    """Send an ended delivery again, with its id and body. Raise StillPending, WebhookDisabled or
    NoSuchWebhook.
    """
    if delivery.receiver.endpoint:
        _require_enabled(delivery.receiver.endpoint)
    ended = Delivery.objects.filter(id=delivery.id).exclude(state=State.PENDING)
    until = clock.from_now(schedule.lifetime())
    is_ended = ended.update(state=State.PENDING, tries=0, next_at=Now(), give_up_at=until, ended_at=None)
    delivery.refresh_from_db()
    if not is_ended:
        raise StillPending


def take(under_way: Collection[Parcel]) -> list[Parcel]:
    """Take what is to be sent now, as far as there is room beside what is under way from here.

    What was taken is nobody else's until its lease is over: then its courier is gone, and it is sent again.
    """
    taken: list[Parcel] = []
    for in_trouble in (False, True):
        taken += _fill([*under_way, *taken], in_trouble)
    return taken


def _fill(under_way: Collection[Parcel], in_trouble: bool) -> list[Parcel]:
    taken: list[Parcel] = []
    room = places.left(under_way, in_trouble=in_trouble)
    for receiver in _waiting(under_way, in_trouble)[: max(0, room)]:
        number = places.left_for(receiver, [*under_way, *taken], in_trouble=in_trouble)
        if number > 0:
            taken += _take(receiver, number)
    return taken


def _waiting(under_way: Collection[Parcel], in_trouble: bool) -> Any:
    """Return whom to serve: every user's first before anybody's second, those served long ago first."""
    at_work = collections.Counter(parcel.receiver_id for parcel in under_way)
    full = [receiver_id for receiver_id, number in at_work.items() if number >= places.OF_RECEIVER]
    waiting = Receiver.objects.to_serve().exclude(id__in=full)
    waiting = waiting.exclude(user__in=places.full_users(under_way, in_trouble=in_trouble))
    turn = (F("served_at").asc(nulls_first=True), "id")
    nth = Window(RowNumber(), partition_by="user_id", order_by=turn)
    chosen = (waiting.in_trouble() if in_trouble else waiting.well()).annotate(nth=nth)
    return chosen.select_related("endpoint").filter(nth__lte=places.of_user()).order_by("nth", *turn)


@transaction.atomic
def _take(receiver: Receiver, number: int) -> list[Parcel]:
    skip = connection.features.has_select_for_update_skip_locked
    waiting = Delivery.objects.in_turn().filter(receiver=receiver).order_by("next_at", "id")
    rows = list(waiting.select_for_update(skip_locked=skip)[:number])
    lease = datetime.timedelta(seconds=3 * settings.WEBHOOK_TIMEOUT_SECONDS)
    for row in rows:
        row.claim = uuid.uuid4()
        mine = Delivery.objects.filter(id=row.id)
        mine.update(claim=row.claim, next_at=clock.from_now(lease), tries=F("tries") + 1)
    if rows:
        receivers.served(receiver.id)
    secrets = endpoints.secrets_of(receiver) if rows else ()
    return [_parcel(row, receiver, secrets) for row in rows]


def _parcel(row: Delivery, receiver: Receiver, secrets: tuple[str, ...]) -> Parcel:
    url = row.url or (receiver.endpoint.url if receiver.endpoint else "")
    return Parcel(
        delivery_id=row.id,
        receiver_id=receiver.id,
        user_id=receiver.user_id,
        claim=row.claim or uuid.UUID(int=0),
        url=url,
        body=row.body,
        secrets=secrets,
        in_trouble=receiver.failures > 0 or receiver.is_slow,
    )


@transaction.atomic
def record(parcel: Parcel, outcome: Outcome) -> None:
    """Note what came of a try. If the lease had run out and another courier has it, that one decides."""
    delivery = Delivery.objects.select_for_update().filter(id=parcel.delivery_id).first()
    if delivery is None:  # its endpoint was deleted meanwhile
        return
    Attempt.objects.create(
        delivery=delivery,
        at=outcome.at,
        url=parcel.url,
        http_status=outcome.status,
        duration_ms=round(outcome.seconds * 1000),
        response=outcome.response,
        error=outcome.error[:300],
    )
    if outcome.is_success:
        receivers.succeeded(parcel.receiver_id, outcome)
    else:
        was_last = schedule.after(delivery.tries) is None
        receivers.failed(parcel.receiver_id, outcome, was_last=was_last)
    if delivery.claim == parcel.claim and delivery.state == State.PENDING:
        Delivery.objects.filter(id=delivery.id).update(claim=None, **_verdict(delivery, outcome))


def _verdict(delivery: Delivery, outcome: Outcome) -> dict[str, Any]:
    if outcome.is_success:
        return {"state": State.DELIVERED, "ended_at": Now()}
    wait = schedule.after(delivery.tries)
    if wait is None or outcome.is_gone:
        return {"state": State.FAILED, "ended_at": Now()}
    return {"next_at": clock.from_now(max(wait, receivers.pause(outcome)))}


def give_up() -> int:
    """Give up what has had its time, or whose receiver is to get nothing more; return how many."""
    at_rest = Delivery.objects.pending().filter(Q(claim=None) | Q(next_at__lte=clock.now()))
    overdue = Q(give_up_at__lt=Now())
    # behind many others none may get all of its tries: its time being over counts as much
    tried = at_rest.filter(overdue, tries__gt=0)
    receivers.condemn(Receiver.objects.filter(id__in=tried.values("receiver")))
    unwanted = Q(receiver__endpoint__disabled_at__isnull=False) | Q(receiver__user__is_active=False)
    return sum(
        Delivery.objects.filter(id__in=at_rest.filter(which).values("id")).update(
            state=State.FAILED, claim=None, ended_at=Now()
        )
        for which in (overdue, unwanted)
    )


def purge(age: datetime.timedelta, *, dry_run: bool = False) -> int:
    """Delete deliveries that ended longer ago than `age`; return how many."""
    old = Delivery.objects.filter(ended_at__lt=Now() - age)
    if dry_run:
        return old.count()
    number = 0
    while ids := list(old.values_list("id", flat=True)[:500]):
        Delivery.objects.filter(id__in=ids).delete()
        number += len(ids)
    receivers.forget_unused()
    return number


def _require_enabled(endpoint: Endpoint) -> None:
    if Endpoint.objects.filter(id=endpoint.id).exclude(disabled_at=None).exists():
        raise WebhookDisabled
