"""What entries may say of a model behind a Cog server. Light: every process reads it at its start."""

from collections.abc import Mapping
from typing import Any

NAMES = {"prompt": "prompt", "image": "image", "seed": "seed"}
FURTHER_NAMES = ("duration", "width", "height", "camera_fixed", "portrait")
OPTIONS = frozenset({"url", "names", "fields", "output", "patience"})
PATIENCE = 120  # seconds for a server that is away


def names(options: Mapping[str, Any]) -> dict[str, str]:
    """Return what the model's inputs are called, by our names; "" is none."""
    return {**NAMES, **options.get("names", {})}
