"""What a submit asks for, priced and checked: what `lifecycle` makes a job of."""

import dataclasses
import uuid
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to make, for whom, at which price: all that `submit` needs."""

    user_id: uuid.UUID
    generation_type: str
    model: str
    prompt: str
    duration: str
    resolution: str
    aspect_ratio: str
    camera_fixed: bool
    seed: int
    cost: int
    expected_seconds: float
    queue: str = "render"
    seed_was_drawn: bool = False
    reference_person: dict[str, Any] | None = None
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    image_url: str = ""
    webhook_url: str = ""
    upload: str = ""
    upload_name: str = ""
    request_id: str = ""
    rerun_of_id: uuid.UUID | None = None
