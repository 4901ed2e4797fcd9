"""System checks of models that somebody else runs: what an operator can get wrong in their entries."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from jobs import catalogue
from jobs.catalogue import Model, Remote

HINT = "See docs/providers.md."
POSITIVE = ("in_flight", "per_second", "poll_seconds", "unknown_seconds")
PRICES = {"per_video", "per_second", "currency"}


def mistakes(model: Model) -> list[CheckMessage]:
    """Return an error for each thing that cannot work, and a warning for what is unwise."""
    if model.remote is None:
        return []
    texts = [*_addresses(model.remote), *_numbers(model.remote), *_fallbacks(model), *_queue(model)]
    found: list[CheckMessage] = [
        Error(f"The model {model.alias!r}: {text}", hint=HINT, id="jobs.E011") for text in texts
    ]
    url = urlsplit(model.remote.base_url)
    if url.scheme == "http" and model.remote.key and not settings.DEBUG:
        text = f"The key of the model {model.alias!r} goes to {url.hostname} unencrypted."
        found.append(checks.Warning(text, hint="Use https, or a network of your own.", id="jobs.W001"))
    return found


def _addresses(remote: Remote) -> list[str]:
    url = urlsplit(remote.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname or url.username or url.query:
        return [f"base_url is {remote.base_url!r}: it must be an http or https address without a query."]
    return []


def _numbers(remote: Remote) -> list[str]:
    values = {name: getattr(remote, name) for name in POSITIVE}
    found = [
        f"{name} is {value!r}: it must be a number above 0."
        for name, value in values.items()
        if not isinstance(value, int | float) or value <= 0
    ]
    if strange := sorted(set(remote.price) - PRICES):
        found.append(f"price has {', '.join(strange)}; it may have {', '.join(sorted(PRICES))}.")
    return found


def _fallbacks(model: Model) -> list[str]:
    assert model.remote is not None  # noqa: S101 - asked by the caller
    found = []
    for alias in model.remote.fallback:
        other = catalogue.get(alias)
        if other is not None and other.remote is None:
            found.append(f"it falls back to {alias!r}, which is not a remote model.")
        elif other is None and alias not in settings.VIDEO_MODELS:
            found.append(f"it falls back to {alias!r}, which does not exist.")
    return found


def _queue(model: Model) -> list[str]:
    local = {other.queue for other in catalogue.usable().values() if other.remote is None}
    if model.queue in local:
        return [f"its queue {model.queue!r} is that of local models: renders would hold up its driver."]
    return []
