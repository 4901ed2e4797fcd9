"""Whether a model can do what an order asks for: told at the submit, and asked of others it may go to."""

from collections.abc import Collection, Mapping
from typing import Any

from jobs import catalogue
from jobs.catalogue import Model
from jobs.errors import InvalidOrder


def listed(alias: str) -> Model:
    """Return a model that users may name. Raise InvalidOrder naming those that there are."""
    model = catalogue.get(alias)
    if model is None or not model.is_listed:
        names = ", ".join(name for name, other in catalogue.usable().items() if other.is_listed)
        raise _refusal("model", f"There is no model {alias!r} here. There are: {names}.", "unknown_model")
    return model


def require(
    alias: str,
    *,
    generation_type: str,
    duration: str,
    resolution: str,
    aspect_ratio: str,
    features: Collection[str] = (),
) -> Model:
    """Return the model. Raise InvalidOrder naming what it cannot do and what it can.

    `features` are those of `catalogue.FEATURES` that the order makes use of.
    """
    model = listed(alias)
    lacking = lacks(
        model,
        generation_type=generation_type,
        duration=duration,
        resolution=resolution,
        aspect_ratio=aspect_ratio,
        features=features,
    )
    for field, message in lacking.items():
        raise _refusal(field, message, "unsupported_by_model")
    return model


def lacks(
    model: Model,
    *,
    generation_type: str,
    duration: str,
    resolution: str,
    aspect_ratio: str,
    features: Collection[str],
) -> dict[str, str]:
    """Return the fields of an order that the model cannot do, for each what it can instead, in a sentence."""
    asked = {
        "generation_type": (generation_type, model.generation_types),
        "duration": (duration, model.durations),
        "resolution": (resolution, model.resolutions),
        "aspect_ratio": (aspect_ratio, (*model.aspect_ratios, "")),
    }
    lacking = {}
    for field, (value, able) in asked.items():
        if value not in able:
            can = ", ".join(word for word in able if word)
            lacking[field] = f"The model {model.alias!r} cannot do {field} {value!r}. It can do: {can}."
    for field in features:
        if field not in model.features:
            lacking[field] = f"The model {model.alias!r} takes no {field}: leave it out."
    return lacking


def used(*, seed: bool, camera_fixed: bool, reference_person: Mapping[str, Any] | None) -> list[str]:
    """Return those of `catalogue.FEATURES` that an order uses; `seed` is whether its user named one."""
    person = reference_person or {}
    uses = {"seed": seed, "camera_fixed": camera_fixed, "reference_person": bool(person.get("photo_url"))}
    return [name for name in catalogue.FEATURES if uses[name]]


def _refusal(field: str, message: str, code: str) -> InvalidOrder:
    return InvalidOrder(f"{field}: {message}", errors=[{"field": field, "message": message, "code": code}])
