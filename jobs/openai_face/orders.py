"""From the checked fields of a create to an order of ours."""

import uuid
from typing import Any

from django.conf import settings

from jobs import abilities, submission
from jobs.formats import GenerationType
from jobs.openai_face import sizes
from jobs.order import Order


def order(user_id: uuid.UUID, fields: dict[str, Any], *, has_picture: bool, request_id: str) -> Order:
    """Return the order, priced as any other. Raise InvalidOrder."""
    name = fields.get("model") or settings.DEFAULT_MODEL
    model = abilities.listed(settings.OPENAI_MODELS.get(name, name))
    resolution, aspect_ratio = sizes.shape(model, fields.get("size"))
    asked = {
        "prompt": fields["prompt"],
        "model": model.alias,
        "duration": sizes.duration(model, fields.get("seconds")),
        "resolution": resolution,
        "camera_fixed": False,
        "metadata": {},
        "seed": fields.get("seed"),
    }
    address = (fields.get("input_reference") or {}).get("image_url", "")
    if has_picture or address:  # whose shape is the video's
        kind, more = GenerationType.IMAGE_TO_VIDEO, {"image_url": address}
    else:
        kind, more = GenerationType.TEXT_TO_VIDEO, {"aspect_ratio": aspect_ratio}
    return submission.order(user_id, kind, {**asked, **more}, request_id=request_id)
