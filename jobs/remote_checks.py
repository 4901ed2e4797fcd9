"""System checks of models that somebody else runs: what an operator can get wrong in their entries."""

import math
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from jobs import catalogue, formats
from jobs.catalogue import Model, Remote
from jobs.formats import GenerationType
from jobs.providers.remote import RemoteProvider, Webhook

HINT = "See docs/providers.md."
POSITIVE = ("in_flight", "per_second", "poll_seconds", "unknown_seconds")
AMOUNTS = ("per_video", "per_second")
PRICES = {*AMOUNTS, "currency"}
TEXT = GenerationType.TEXT_TO_VIDEO
MOST_OFF = 0.25  # of a length that was asked for
ABLE = ("generation_types", "durations", "resolutions", "aspect_ratios", "features")
CURRENCY = re.compile("[A-Z]{3}")


def mistakes(model: Model) -> list[CheckMessage]:
    """Return an error for each thing that cannot work, and a warning for what is unwise."""
    if model.remote is None:
        return []
    texts = [
        *_addresses(model.remote),
        *_numbers(model.remote),
        *_fallbacks(model),
        *_queue(model),
        *_webhook(model),
        *_claims(model),
    ]
    found: list[CheckMessage] = [
        Error(f"The model {model.alias!r}: {text}", hint=HINT, id="jobs.E011") for text in texts
    ]
    url = urlsplit(model.remote.base_url)
    if url.scheme == "http" and model.remote.key and not settings.DEBUG:
        text = f"The key of the model {model.alias!r} goes to {url.hostname} unencrypted."
        found.append(checks.Warning(text, hint="Use https, or a network of your own.", id="jobs.W001"))
    found += [checks.Warning(text, hint=HINT, id="jobs.W004") for text in _gaps(model)]
    found += [checks.Warning(text, hint=HINT, id="jobs.W005") for text in _unsaid(model)]
    if model.remote.webhook and not model.is_heard():
        text = f"Webhooks for the model {model.alias!r} are not heard: PUBLIC_URL or the secret is missing."
        found.append(checks.Warning(text, hint=HINT, id="jobs.W003"))
    return found


def public_url() -> list[CheckMessage]:
    """Return an error if this installation could not be called back at its address."""
    url = urlsplit(settings.PUBLIC_URL)
    schemes = {"https", "http"} if settings.DEBUG else {"https"}
    is_plain = url.hostname and not (url.username or url.query or url.fragment)
    if not settings.PUBLIC_URL or (is_plain and url.scheme in schemes):
        return []
    text = f"PUBLIC_URL is {settings.PUBLIC_URL!r}: it must be an https address without a query."
    return [Error(text, hint=HINT, id="jobs.E013")]


def cancelling() -> list[CheckMessage]:
    """Return a warning if users are allowed to cancel what no provider here can stop."""
    if not settings.CANCEL_RUNNING or any(model.adapter().cancels for model in catalogue.all_remote()):
        return []
    text = "CANCEL_RUNNING is on, and no provider of the models here can stop what it has begun."
    return [checks.Warning(text, hint=HINT, id="jobs.W002")]


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
    if remote.price and not any(name in remote.price for name in AMOUNTS):
        found.append(f"price has no amount: it needs {' or '.join(AMOUNTS)}.")
    amounts = {name: remote.price.get(name, 0) for name in AMOUNTS}
    found += [
        f"the price {name} is {value!r}: it must be a number, 0 or more."
        for name, value in amounts.items()
        if not isinstance(value, int | float) or value is True or not 0 <= value < math.inf
    ]
    if not CURRENCY.fullmatch(currency := str(remote.price.get("currency", "USD"))):
        found.append(f"the price's currency is {currency!r}: it must be three capital letters, as USD.")
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


def _gaps(model: Model) -> list[str]:
    """Return for each model fallen back to what it can't do: orders for that wait for the first."""
    found = []
    for other in catalogue.fallbacks(model):
        missing = {
            field: [value for value in getattr(model, field) if value not in getattr(other, field)]
            for field in ABLE
        }
        named = "; ".join(f"{field}: {', '.join(values)}" for field, values in missing.items() if values)
        if named:
            text = f"The model {model.alias!r} falls back to {other.alias!r}, which can't do {named}."
            found.append(f"{text} Orders for that are not given to it.")
    return found


def _claims(model: Model) -> list[str]:
    """Return what the entry says that the model can do, and its provider can't be asked for."""
    try:
        adapter = model.adapter()
        able: dict[str, Collection[str]] = {
            "generation_types": [
                name for name in GenerationType.values if name == TEXT or adapter.carries(name)
            ],
            "resolutions": adapter.resolutions,
            "aspect_ratios": adapter.aspect_ratios,
            "features": [name for name in catalogue.FEATURES if adapter.carries(name)],
        }
        return [*_beyond(model, able), *_lengths(model, adapter)]
    except (TypeError, ValueError, AttributeError) as error:
        return [f"its options can't be made use of: {error}"]


def _beyond(model: Model, able: Mapping[str, Collection[str]]) -> list[str]:
    found = []
    for field, possible in able.items():
        if beyond := [value for value in getattr(model, field) if value not in possible]:
            there_are = ", ".join(possible) or "none"
            text = f"its {field} have {', '.join(beyond)}, which its provider can't be asked for"
            found.append(f"{text}. There are: {there_are}.")
    return found


def _lengths(model: Model, adapter: RemoteProvider) -> list[str]:
    asked = {name: formats.seconds(name) for name in model.durations if name in formats.Duration.values}
    sent = {name: adapter.seconds(seconds) for name, seconds in asked.items()}
    return [
        f"its durations have {name}, {asked[name]} seconds, for which it would be asked for {sent[name]}."
        for name in asked
        if abs(sent[name] - asked[name]) > asked[name] * MOST_OFF
    ]


def _unsaid(model: Model) -> list[str]:
    """Return a warning if the entry leaves to nobody what its model can do."""
    entry, able = settings.VIDEO_MODELS.get(model.alias, {}), model.capabilities()
    said = {name: name in entry or bool(getattr(able, name)) for name in catalogue.SHAPES}
    if not able.durations and GenerationType.IMAGE_TO_VIDEO in model.generation_types:
        said["generation_types"] = "generation_types" in entry
    if all(said.values()):
        return []
    names = ", ".join(name for name, is_said in said.items() if not is_said)
    text = f"The entry of the model {model.alias!r} does not have {names}, so all are sold."
    return [f"{text} Name those that its provider's model can do."]


def _queue(model: Model) -> list[str]:
    local = {other.queue for other in catalogue.usable().values() if other.remote is None}
    if model.queue in local:
        return [f"its queue {model.queue!r} is that of local models: renders would hold up its driver."]
    return []


def _webhook(model: Model) -> list[str]:
    assert model.remote is not None  # noqa: S101 - asked by the caller
    webhook = model.capabilities().webhook
    if model.remote.webhook and webhook is not Webhook.SECRET:
        return [f"webhook names a secret, which its provider has no use for: {webhook.value}."]
    return []
