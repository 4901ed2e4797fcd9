"""The price of a request, in DUST: a pure function of the table in the settings."""

from typing import Any

from django.conf import settings

from jobs.formats import GenerationType

VERB = {GenerationType.TEXT_TO_VIDEO: "generate", GenerationType.IMAGE_TO_VIDEO: "animate"}
CONDITIONS = ("model", "resolution", "duration")


def cost(*, generation_type: str, model: str, resolution: str, duration: str) -> int:
    """Return the price: the first rule of `DUST_PRICES["rules"]` that fits, else the plain price.

    A rule is `{"model"?, "resolution"?, "duration"?, "generate"?, "animate"?}`; it fits when each condition
    it names does and it has a price for this kind of request.
    """
    prices: dict[str, Any] = settings.DUST_PRICES
    verb = VERB[GenerationType(generation_type)]
    asked = {"model": model, "resolution": resolution, "duration": duration}
    for rule in prices.get("rules", ()):
        if verb in rule and all(rule[name] == asked[name] for name in CONDITIONS if name in rule):
            return int(rule[verb])
    return int(prices[verb])


def mistakes(prices: Any) -> list[str]:
    """Return what is wrong with a price table, one sentence each."""
    if not isinstance(prices, dict):
        return ["DUST_PRICES must be a JSON object."]
    rules = prices.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        return ["The rules in DUST_PRICES must be a list of JSON objects."]
    missing = [f"DUST_PRICES needs a price for {verb!r}." for verb in VERB.values() if verb not in prices]
    plain = {name: value for name, value in prices.items() if name != "rules"}
    return [
        *missing,
        *_mistakes_in(plain, known=()),
        *(mistake for rule in rules for mistake in _mistakes_in(rule, known=CONDITIONS)),
    ]


def _mistakes_in(entry: dict[str, Any], *, known: tuple[str, ...]) -> list[str]:
    verbs = tuple(VERB.values())
    strange = [name for name in entry if name not in (*verbs, *known)]
    wrong = [entry[verb] for verb in verbs if verb in entry and not _is_price(entry[verb])]
    return [
        *(f"DUST_PRICES has {name!r}, which means nothing there." for name in strange),
        *(f"The DUST price {price!r} must be a whole number, 0 or more." for price in wrong),
    ]


def _is_price(value: Any) -> bool:
    return type(value) is int and value >= 0
