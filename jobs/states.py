"""A job's states, the moves between them, and what each means for the money: pure data."""

import dataclasses

from django.db import models


class Status(models.TextChoices):
    """The only words that clients ever see."""

    QUEUED = "queued"
    STARTING = "starting"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Dust(models.TextChoices):
    """What happened to the job's DUST."""

    HELD = "held"
    CHARGED = "charged"
    REFUNDED = "refunded"
    RELEASED = "released"


RUNNING = (Status.STARTING, Status.PROCESSING)
ACTIVE = (Status.QUEUED, *RUNNING)
UNMADE = (Status.FAILED, Status.CANCELLED)
FINISHED = (Status.COMPLETED, *UNMADE)

DUST = {
    Status.QUEUED: Dust.HELD,
    Status.STARTING: Dust.CHARGED,
    Status.PROCESSING: Dust.CHARGED,
    Status.COMPLETED: Dust.CHARGED,
    Status.FAILED: Dust.REFUNDED,
    Status.CANCELLED: Dust.RELEASED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """One allowed move: the verb of `lifecycle` that makes it, and its ledger move."""

    source: Status | None
    target: Status
    verb: str
    ledger: str = ""


TRANSITIONS = (
    Transition(None, Status.QUEUED, "submit", "hold"),
    Transition(Status.QUEUED, Status.STARTING, "claim", "post"),
    Transition(Status.STARTING, Status.STARTING, "claim"),
    Transition(Status.STARTING, Status.PROCESSING, "accept"),
    Transition(Status.PROCESSING, Status.PROCESSING, "progress"),
    Transition(Status.STARTING, Status.STARTING, "progress"),
    Transition(Status.STARTING, Status.STARTING, "reap"),
    Transition(Status.PROCESSING, Status.STARTING, "reap"),
    Transition(Status.STARTING, Status.STARTING, "release"),
    Transition(Status.PROCESSING, Status.STARTING, "release"),
    Transition(Status.STARTING, Status.STARTING, "hand_back"),
    Transition(Status.PROCESSING, Status.STARTING, "hand_back"),
    Transition(Status.STARTING, Status.STARTING, "ask_to_cancel"),
    Transition(Status.PROCESSING, Status.PROCESSING, "ask_to_cancel"),
    Transition(Status.STARTING, Status.STARTING, "go_on"),
    Transition(Status.PROCESSING, Status.PROCESSING, "go_on"),
    Transition(Status.PROCESSING, Status.COMPLETED, "complete"),
    Transition(Status.QUEUED, Status.CANCELLED, "cancel", "void"),
    Transition(Status.STARTING, Status.CANCELLED, "stop", "reverse"),
    Transition(Status.PROCESSING, Status.CANCELLED, "stop", "reverse"),
    Transition(Status.QUEUED, Status.FAILED, "fail", "void"),
    Transition(Status.STARTING, Status.FAILED, "fail", "reverse"),
    Transition(Status.PROCESSING, Status.FAILED, "fail", "reverse"),
    Transition(Status.STARTING, Status.FAILED, "reap", "reverse"),
    Transition(Status.PROCESSING, Status.FAILED, "reap", "reverse"),
    Transition(Status.STARTING, Status.FAILED, "hand_back", "reverse"),
    Transition(Status.PROCESSING, Status.FAILED, "hand_back", "reverse"),
)
