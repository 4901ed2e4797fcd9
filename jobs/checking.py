"""System checks: what an operator can get wrong about prices and models, said before anything starts."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from jobs import catalogue, cog_checks, diffusers_checks, formats, pricing, remote_checks, worth
from jobs.catalogue import Model
from jobs.providers.base import LocalProvider
from jobs.providers.remote import RemoteProvider

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
    found += [Error(text, id="jobs.E014") for text in worth.mistakes(settings.DUST_VALUE)]
    try:
        models = catalogue.usable()
    except (TypeError, AttributeError) as error:
        hint = "See VIDEO_MODELS in README.md."
        return [*found, Error(f"VIDEO_MODELS cannot be read: {error}", hint=hint, id="jobs.E002")]
    if settings.DEFAULT_MODEL not in models:
        names = ", ".join(models) or "none"
        text = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}; the usable models are: {names}."
        found.append(Error(text, id="jobs.E003"))
    found += _openai_models(models)
    found += [*_times(), *(problem for model in models.values() for problem in _model(model))]
    if not any(problem.id == "jobs.E005" for problem in found):  # else not every provider can be asked
        found += remote_checks.cancelling()
    return [*found, *remote_checks.public_url()]


def _openai_models(models: Mapping[str, Model]) -> list[CheckMessage]:
    names = settings.OPENAI_MODELS
    if not isinstance(names, dict):
        return [Error("OPENAI_MODELS must be a JSON object of names and models.", id="jobs.E017")]
    able = [alias for alias, model in models.items() if model.is_listed]
    return [
        Error(f"OPENAI_MODELS has {alias!r} for {name!r}, which is no usable model.", id="jobs.E017")
        for name, alias in names.items()
        if alias not in able
    ]


def _times() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.JOB_LEASE.total_seconds() - 1 < settings.OUTBOUND_TIMEOUT_SECONDS:
        text = "OUTBOUND_TIMEOUT_SECONDS must be below JOB_LEASE_SECONDS."
        found.append(Error(text, hint="A slow fetch must not lose its job.", id="jobs.E006"))
    if settings.ORPHAN_AGE.total_seconds() <= settings.JOB_TIMEOUT_SECONDS:
        text = "ORPHAN_AGE_SECONDS must be above JOB_TIMEOUT_SECONDS."
        found.append(Error(text, hint="Files of a render at work are no orphans.", id="jobs.E007"))
    if settings.CANCEL_PATIENCE.total_seconds() <= 0:
        text = "CANCEL_PATIENCE_SECONDS must be above 0."
        found.append(Error(text, hint="No provider confirms a cancel in no time.", id="jobs.E012"))
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
    if wrong := _provider(model):
        text = f"The provider of the model {model.alias!r}: {wrong}"
        return [*found, Error(text, hint="See VIDEO_MODELS in README.md.", id="jobs.E005")]
    return [
        *found,
        *remote_checks.mistakes(model),
        *diffusers_checks.mistakes(model),
        *cog_checks.mistakes(model),
    ]


def _provider(model: Model) -> str:
    """Return what is wrong with the path of a model's provider; "" if nothing is."""
    kind: type = RemoteProvider if model.remote else LocalProvider
    try:
        provider = import_string(model.provider)
    except (ImportError, AttributeError) as error:  # the latter if it is no text
        return str(error)
    if isinstance(provider, type) and issubclass(provider, kind):
        return ""
    return f"{model.provider!r} is no {kind.__name__}; one with a `remote` has to be, no other may."


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
