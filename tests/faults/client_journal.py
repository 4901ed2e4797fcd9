"""What a client asked for and was told: the only thing the storm's checker takes on trust."""

import dataclasses
from collections import Counter
from typing import Any

FINISHED = ("completed", "failed", "cancelled")
DUST = {
    "queued": ("held",),
    "starting": ("charged",),
    "processing": ("charged",),
    "completed": ("charged",),
    "failed": ("refunded",),
    "cancelled": ("released", "refunded"),  # while it was queued, or later
}


@dataclasses.dataclass(frozen=True)
class Receipt:
    """A 202 to a submit."""

    job_id: str
    cost: int
    balance: int


@dataclasses.dataclass
class Order:
    """One Idempotency-Key: what was sent with it, and every answer that says something about it.

    `unknown` counts tries whose outcome the client can't know: the answer was lost, or was a 503. `script` is
    the prompt's words in brackets. The user of a `fickle` one may change their mind while it is made.
    """

    user: str
    key: str
    kind: str
    script: str = ""
    picture: str = ""  # SHA-256 of what was uploaded
    fetched: bool = False  # its picture is at an address
    fickle: bool = False
    receipts: list[Receipt] = dataclasses.field(default_factory=list)
    fresh: int = 0  # receipts that did not say they were a repetition
    unknown: int = 0
    refused: list[str] = dataclasses.field(default_factory=list)
    statuses: list[str] = dataclasses.field(default_factory=list)  # changes only
    cancels: list[int] = dataclasses.field(default_factory=list)
    video_id: str = ""
    deletes: list[int] = dataclasses.field(default_factory=list)
    deletes_unknown: int = 0
    size_bytes: int = 0
    plays: int = 0

    @property
    def job_id(self) -> str:
        return self.receipts[0].job_id if self.receipts else ""

    @property
    def is_finished(self) -> bool:
        return bool(self.statuses) and self.statuses[-1] in FINISHED

    @property
    def was_cancelled(self) -> bool:
        return 200 in self.cancels

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether a cancel of the running job was taken as a wish."""
        return 202 in self.cancels

    @property
    def was_deleted(self) -> bool:
        """Whether the client was told that its video is gone."""
        return bool(self.deletes)


@dataclasses.dataclass
class Closing:
    """What a user's lists said when the user's last job had ended."""

    balance: dict[str, int]
    transactions: list[dict[str, Any]]
    videos: list[str]
    jobs: dict[str, str]  # status by id


@dataclasses.dataclass
class Journal:
    """Everything one user was told. `oddities` are answers that no storm excuses."""

    user: str
    granted: int
    orders: list[Order] = dataclasses.field(default_factory=list)
    balances: list[tuple[int, int]] = dataclasses.field(default_factory=list)  # (balance, held)
    closing: Closing | None = None
    oddities: list[str] = dataclasses.field(default_factory=list)
    answers: Counter[str] = dataclasses.field(default_factory=Counter)
    retries: int = 0

    def odd(self, order: Order | None, sentence: str) -> None:
        """Note something that must not be."""
        about = f"{order.job_id or 'no job yet'}, key {order.key}" if order else "no order"
        self.oddities.append(f"client {self.user} ({about}): {sentence}")
