"""What providers took in a storm, by their own count: what the operator would have to pay for."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Taken:
    """One work. `stage` is how far it came; `is_findable` says that its provider can be asked for it by our
    key, should the reply to the submit be lost.
    """

    provider: str
    work_id: str
    prompt: str  # no two orders have the same
    stage: str
    is_findable: bool


@dataclasses.dataclass(frozen=True)
class Sold:
    """How many works were taken, and how many of them had no answer because their prompt asked for that."""

    taken: int
    unanswered: int
