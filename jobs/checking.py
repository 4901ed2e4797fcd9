"""System checks: what an operator can get wrong about prices and models, said before anything starts."""

import datetime
import math
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from jobs import catalogue, formats, pricing, remote_checks
from jobs.catalogue import Model

LEAST_MEMORY_MB = 384  # 300 were taken by 480p
ONE_DAY = datetime.timedelta(days=1)
KNOWN = {
    "generation_types": formats.GenerationType.values,
    "durations": formats.Duration.values,
    "resolutions": formats.Resolution.values,
    "aspect_ratios": formats.AspectRatio.values,
}


def check(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Return an error for each price and model that cannot work."""
    found: list[CheckMessage] = [
        Error(text, hint="See DUST_PRICES in README.md.", id="jobs.E001")
        for text in pricing.mistakes(settings.DUST_PRICES)
    ]
    try:
        models = catalogue.usable()
    except (TypeError, AttributeError) as error:
        hint = "See VIDEO_MODELS in README.md."
        return [*found, Error(f"VIDEO_MODELS cannot be read: {error}", hint=hint, id="jobs.E002")]
    if settings.DEFAULT_MODEL not in models:
        names = ", ".join(models) or "none"
        text = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}; the usable models are: {names}."
        found.append(Error(text, id="jobs.E003"))
    return [*found, *_times(), *(problem for model in models.values() for problem in _model(model))]


def _times() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.JOB_LEASE.total_seconds() - 1 < settings.OUTBOUND_TIMEOUT_SECONDS:
        text = "OUTBOUND_TIMEOUT_SECONDS must be below JOB_LEASE_SECONDS."
        found.append(Error(text, hint="A slow fetch must not lose its job.", id="jobs.E006"))
    if settings.ORPHAN_AGE.total_seconds() <= settings.JOB_TIMEOUT_SECONDS:
        text = "ORPHAN_AGE_SECONDS must be above JOB_TIMEOUT_SECONDS."
        found.append(Error(text, hint="Files of a render at work are no orphans.", id="jobs.E007"))
    if max(ONE_DAY, settings.JOB_RESULT_LIFETIME) > settings.JOB_RETENTION:
        text = "JOB_RETENTION_DAYS must be at least 1, and not below JOB_RESULT_SECONDS."
        found.append(Error(text, hint="Results and keys of submits name jobs that long.", id="jobs.E008"))
    return found


def _model(model: Model) -> list[CheckMessage]:
    found = _ceilings(model)
    for field, known in KNOWN.items():
        if strange := [value for value in getattr(model, field) if value not in known]:
            text = f"The model {model.alias!r} has {field} that do not exist: {', '.join(map(str, strange))}."
            found.append(Error(text, hint=f"There are: {', '.join(known)}.", id="jobs.E004"))
    found += remote_checks.mistakes(model)
    try:
        import_string(model.provider)
    except ImportError as error:
        found.append(Error(f"The provider of the model {model.alias!r}: {error}", id="jobs.E005"))
    return found


def _ceilings(model: Model) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    seconds, memory = model.limit_seconds(), model.ceiling_mb()
    if not _is_within(seconds, 1, settings.JOB_TIMEOUT_SECONDS):
        text = f"The time limit of the model {model.alias!r} is {seconds!r} seconds."
        hint = "timeout_seconds is a whole number, at least 1, at most JOB_TIMEOUT_SECONDS."
        found.append(Error(text, hint=hint, id="jobs.E009"))
    if memory != 0 and not _is_within(memory, LEAST_MEMORY_MB):
        text = f"The memory ceiling of the model {model.alias!r} is {memory!r} MB."
        hint = f"RENDER_MEMORY_MB and memory_mb are whole numbers, at least {LEAST_MEMORY_MB}, or 0 for none."
        found.append(Error(text, hint=hint, id="jobs.E010"))
    return found


def _is_within(value: Any, least: int, most: float = math.inf) -> bool:
    return isinstance(value, int) and least <= value <= most
