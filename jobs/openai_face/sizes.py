"""Lengths and sizes as OpenAI's API writes them: "5" seconds, "1280x720" pixels."""

from typing import TypeVar

from jobs import formats
from jobs.catalogue import Model
from jobs.errors import InvalidOrder
from jobs.formats import AspectRatio, Duration, Resolution

T = TypeVar("T")
Shape = tuple[str, str]

OURS: dict[str, Shape] = {
    "{}x{}".format(*formats.frame_size(resolution, ratio)): (resolution.value, ratio.value)
    for resolution in Resolution
    for ratio in AspectRatio
}
# Sizes of OpenAI's own models that none of ours has: made as the next larger one, and answers say so.
NEAR: dict[str, Shape] = {
    "1024x1792": (Resolution.FULL_HD.value, AspectRatio.TALL.value),
    "1792x1024": (Resolution.FULL_HD.value, AspectRatio.WIDE.value),
}
SIZES = {**OURS, **NEAR}
LENGTHS = {str(formats.SECONDS[duration]): duration.value for duration in Duration}
DEFAULT_SIZE = "720x1280"  # OpenAI's


def shape(model: Model, size: str | None) -> Shape:
    """Return (resolution, aspect ratio) for a size, or for the usual one. Raise InvalidOrder."""
    able = {
        name: shape
        for name, shape in SIZES.items()
        if shape[0] in model.resolutions and shape[1] in model.aspect_ratios
    }
    if size is None:
        usual = (model.resolutions[0], model.aspect_ratios[0])
        return able.get(DEFAULT_SIZE, usual)
    return _chosen(model, able, "size", size)


def duration(model: Model, seconds: str | None) -> str:
    """Return the duration of so many seconds, or the shortest one. Raise InvalidOrder."""
    able = {seconds: duration for seconds, duration in LENGTHS.items() if duration in model.durations}
    return next(iter(able.values())) if seconds is None else _chosen(model, able, "seconds", seconds)


def written(width: int, height: int) -> str:
    """Return a size as that API writes it."""
    return f"{width}x{height}"


def _chosen(model: Model, able: dict[str, T], field: str, value: str) -> T:
    if value in able:
        return able[value]
    message = f"The model {model.alias!r} cannot do {field} {value!r}. It can do: {', '.join(able)}."
    raise InvalidOrder(message, errors=[{"field": field, "message": message, "code": "unsupported_by_model"}])
