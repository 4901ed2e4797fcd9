"""The seam for models that somebody else runs: what to ask, and what the answers mean. No I/O in here.

An adapter turns an order into a request, and an answer into one of a few meanings. The driver sends, waits,
limits and decides, so that what a lost reply means is settled in one place for every provider.
"""

import abc
from typing import ClassVar

from jobs.providers.exchange import (
    Ask,
    Attachment,
    Capabilities,
    Cost,
    Handle,
    Made,
    NotMade,
    Order,
    Outcome,
    Refused,
    Reply,
    Request,
    Route,
    Taken,
    Unreadable,
    Working,
)
from jobs.providers.reading import (
    LONGEST_DETAIL,
    LONGEST_HINT,
    MODERATION,
    failure,
    field,
    micros,
    nearest,
    not_made,
    pause,
    refusal,
    text,
    words,
)

__all__ = [
    "LONGEST_DETAIL",
    "LONGEST_HINT",
    "MODERATION",
    "Ask",
    "Attachment",
    "Capabilities",
    "Cost",
    "Handle",
    "Made",
    "NotMade",
    "Order",
    "Outcome",
    "Refused",
    "RemoteProvider",
    "Reply",
    "Request",
    "Route",
    "Taken",
    "Unreadable",
    "Working",
    "failure",
    "field",
    "micros",
    "nearest",
    "not_made",
    "pause",
    "refusal",
    "text",
    "words",
]


class RemoteProvider(abc.ABC):
    """An adapter for one protocol. Its methods do no I/O; they may raise Unreadable."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, route: Route) -> None:
        self.route = route

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

    def found(self, handle: Handle, reply: Reply) -> Taken | None:
        """Read a 2xx answer to that; None: it is not there (yet)."""
        return None

    def cancel(self, handle: Handle) -> Request | None:
        """Return how to have the work stopped; None: there is no way."""
        return None

    def url(self, path: str) -> str:
        return f"{self.route.base_url.rstrip('/')}/{path.lstrip('/')}"
