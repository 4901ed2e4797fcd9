"""Signs one message and posts it, by the scheme of Standard Webhooks. Knows no database."""

import dataclasses
import datetime
import time
import uuid

from django.conf import settings
from standardwebhooks import Webhook

from jobs import outbound

KEPT_BYTES = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery that is to be tried now: all that this takes. No `secrets`: they can't be read."""

    delivery_id: uuid.UUID
    receiver_id: int
    user_id: uuid.UUID
    claim: uuid.UUID
    url: str
    body: str
    in_trouble: bool
    secrets: tuple[str, ...] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try: an HTTP status, or the `error` for which there is none."""

    at: datetime.datetime
    seconds: float
    status: int | None = None
    retry_after: str = ""
    response: str = ""
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no message ever again."""
        return self.status == 410


def message_id(delivery_id: uuid.UUID) -> str:
    """Return the `webhook-id` of a message: the same at each try, so that receivers can tell repeats."""
    return f"msg_{delivery_id.hex}"


def fault() -> Outcome:
    """Return what comes of a try that failed through no fault of the receiver's."""
    return Outcome(
        at=datetime.datetime.now(datetime.UTC), seconds=0, error="It could not be sent: a fault of ours."
    )


def send(parcel: Parcel) -> Outcome:
    """Post it once."""
    at, began = datetime.datetime.now(datetime.UTC), time.monotonic()
    if not parcel.secrets:
        error = "The webhook's secret cannot be read any more: rotate it."
        return Outcome(at=at, seconds=0, error=error)
    try:
        answer = outbound.post(
            parcel.url,
            parcel.body.encode(),
            headers=_headers(parcel, at),
            deadline=settings.WEBHOOK_TIMEOUT_SECONDS,
            keep=KEPT_BYTES,
        )
    except outbound.OutboundError as error:
        return Outcome(at=at, seconds=time.monotonic() - began, error=error.reason)
    return Outcome(
        at=at,
        seconds=time.monotonic() - began,
        status=answer.status,
        retry_after=answer.retry_after,
        response=answer.beginning.decode(errors="replace").replace("\x00", "\ufffd"),
        error="" if 200 <= answer.status < 300 else f"Answered {answer.status}.",
    )


def _headers(parcel: Parcel, at: datetime.datetime) -> dict[str, str]:
    name = message_id(parcel.delivery_id)
    signatures = [Webhook(secret).sign(name, at, parcel.body) for secret in parcel.secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
