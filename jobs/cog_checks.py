"""System checks of models that a Cog server runs: what an operator can get wrong in their entries."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error

from jobs.catalogue import Model
from jobs.formats import GenerationType
from jobs.providers import cog_options
from jobs.providers.named import CARRIED_AS

PROVIDER = "jobs.providers.cog.Cog"
HINT = "See docs/providers.md."
NO_PART_OF_IT = re.compile(r"[@?#\s]")  # a password, which would be told with the address; a query


def mistakes(model: Model) -> list[CheckMessage]:
    """Return an error for each thing that cannot work."""
    if model.provider != PROVIDER:
        return []
    found = list(_options(model.options)) or list(_claims(model))
    return [Error(f"The model {model.alias!r}: {text}", hint=HINT, id="jobs.E018") for text in found]


def _options(options: Any) -> Iterator[str]:
    if not isinstance(options, Mapping):
        yield "options must be an object."
        return
    for name in sorted(set(options) - cog_options.OPTIONS):
        yield f"there is no option {name}."
    if not _is_address(options.get("url")):
        yield "url has to be the address of the server, as http://gpu-1:5000, with no password in it."
    patience = options.get("patience", cog_options.PATIENCE)
    if not isinstance(patience, int | float) or not patience >= 0:
        yield "patience has to be a number of seconds."
    if not isinstance(options.get("output", ""), str):
        yield "output must be text."
    yield from _inputs(options.get("names", {}), options.get("fields", {}))


def _is_address(url: Any) -> bool:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        is_known = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        return False
    return is_known and bool(parts.hostname) and not NO_PART_OF_IT.search(url)


def _inputs(names: Any, fields: Any) -> Iterator[str]:
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names.values()):
        yield "names must be an object of texts."
        return
    if not isinstance(fields, Mapping):
        yield "fields must be an object."
        return
    for name in sorted(set(names) - {*cog_options.NAMES, *cog_options.FURTHER_NAMES}):
        yield f"names has {name}, which is none of ours."
    sent = [*filter(None, {**cog_options.NAMES, **names}.values()), *fields]
    for name in sorted({name for name in sent if sent.count(name) > 1}):
        yield f"the input {name} is given twice."


def _claims(model: Model) -> Iterator[str]:
    """Yield what would be sold and not asked for."""
    names = cog_options.names(model.options)
    for feature in (*model.features, *model.generation_types):
        if feature != GenerationType.TEXT_TO_VIDEO and not names.get(CARRIED_AS.get(feature, feature)):
            yield f"{feature} is claimed, but names has no input for it."
    if not names.get("prompt"):
        yield "names has no input for the prompt."
    if len(model.durations) > 1 and not names.get("duration"):
        yield "several durations are sold, but names has no input for the duration."
    if max(len(model.resolutions), len(model.aspect_ratios)) > 1 and not (
        names.get("width") and names.get("height")
    ):
        yield "several sizes are sold, but names has no inputs for width and height."
