"""The seam for models that somebody else runs: what to ask, and what the answers mean. No I/O in here.

An adapter turns an order into a request, and an answer into one of a few meanings. The driver sends, waits,
limits and decides, so that what a lost reply means is settled in one place for every provider.
"""

import abc
from collections.abc import Collection, Sequence
from typing import ClassVar

from jobs.formats import AspectRatio, Resolution
from jobs.providers.exchange import (
    Ask,
    Attachment,
    Capabilities,
    Cost,
    Further,
    Handle,
    Made,
    Notice,
    NotMade,
    Order,
    Outcome,
    Refused,
    Reply,
    Request,
    Route,
    Taken,
    Unreadable,
    Webhook,
    Working,
)
from jobs.providers.reading import (
    IN_QUEUE,
    LONGEST_DETAIL,
    LONGEST_HINT,
    MODERATION,
    failure,
    field,
    micros,
    moment,
    nearest,
    not_made,
    pause,
    refusal,
    text,
    words,
    working,
)

__all__ = [
    "IN_QUEUE",
    "LONGEST_DETAIL",
    "LONGEST_HINT",
    "MODERATION",
    "Ask",
    "Attachment",
    "Capabilities",
    "Cost",
    "Further",
    "Handle",
    "Made",
    "NotMade",
    "Notice",
    "Order",
    "Outcome",
    "Refused",
    "RemoteProvider",
    "Reply",
    "Request",
    "Route",
    "Taken",
    "Unreadable",
    "Webhook",
    "Working",
    "failure",
    "field",
    "micros",
    "moment",
    "nearest",
    "not_made",
    "pause",
    "refusal",
    "text",
    "words",
    "working",
]


class RemoteProvider(abc.ABC):
    """An adapter for one protocol. Its methods do no I/O; they may raise Unreadable."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, route: Route) -> None:
        self.route = route

    def carries(self, feature: str) -> bool:
        """Return whether requests say it, by the options: `image_to_video` (that is, the picture), `seed`,
        `camera_fixed` or `reference_person`.
        """
        return bool(getattr(self.capabilities, feature, False))

    def seconds(self, asked: int) -> int:
        """Return the length that is asked for where one of `asked` seconds is wanted."""
        return asked

    @property
    def resolutions(self) -> Collection[str]:
        """What an entry may name: for the others a request has no words."""
        return Resolution.values

    @property
    def aspect_ratios(self) -> Collection[str]:
        """The same for the shapes of videos from texts; a picture has its own."""
        return AspectRatio.values

    @abc.abstractmethod
    def submit(self, order: Order) -> Request:
        """Return the one request that may cost money."""

    @abc.abstractmethod
    def taken(self, reply: Reply) -> Taken:
        """Read a 2xx answer to it."""

    @abc.abstractmethod
    def poll(self, handle: Handle) -> Request:
        """Return how to ask what became of it."""

    @abc.abstractmethod
    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        """Read a 2xx answer to that."""

    def refused(self, reply: Reply) -> Refused:
        """Read a 4xx answer to the submit."""
        return refusal(reply)

    def find(self, handle: Handle) -> Request | None:
        """Return how to look for a submission whose reply was lost; None: there is no way."""
        return None

    def found(self, handle: Handle, reply: Reply) -> Taken | Further | None:
        """Read a 2xx answer to that, or to the request of a Further; None: it is not there (yet)."""
        return None

    @property
    def cancels(self) -> bool:
        """Whether users may have running work stopped: it can be asked for, and polls tell if it was done."""
        return self.capabilities.cancel

    def cancel(self, handle: Handle) -> Request | None:
        """Return how to have the work stopped; None: there is no way."""
        return None

    def is_genuine(self, notice: Notice, keys: Sequence[str]) -> bool:
        """Return whether a webhook was signed with one of these: the account's secrets, or published keys."""
        return False

    def published_at(self) -> str:
        """Return where the keys lie that webhooks are signed with, "" if that is done with a secret."""
        return ""

    def told_of(self, notice: Notice) -> str:
        """Return the provider's id of the work that a genuine webhook is about, "" if it does not say.

        Asked only where all of an account's webhooks go to one address.
        """
        return ""

    def url(self, path: str) -> str:
        return f"{self.route.base_url.rstrip('/')}/{path.lstrip('/')}"
