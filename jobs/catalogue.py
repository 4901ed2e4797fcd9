"""The models that can be asked for: data from the settings, checked once."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from jobs import formats
from jobs.errors import InvalidOrder
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.providers.base import LocalProvider


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can do.

    `provider` is the dotted path of a `LocalProvider`, `queue` the one whose workers make its videos.
    `seconds_of_work` is the stated time for one second of 1080p video, used until this installation has its
    own history; other sizes follow by their pixels. `memory_mb` and `timeout_seconds` are for one render:
    without them the settings hold, and no memory ceiling is written as 0.
    """

    alias: str
    title: str
    provider: str
    seconds_of_work: float
    queue: str = "render"
    memory_mb: int | None = None
    timeout_seconds: int | None = None
    generation_types: tuple[str, ...] = tuple(GenerationType.values)
    durations: tuple[str, ...] = tuple(Duration.values)
    resolutions: tuple[str, ...] = tuple(Resolution.values)
    aspect_ratios: tuple[str, ...] = tuple(AspectRatio.values)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def stated_seconds(self, *, resolution: str, duration: str) -> float:
        """Return how long this model says one video takes, in seconds."""
        side = formats.SHORT_SIDE[Resolution(resolution)] / formats.SHORT_SIDE[Resolution.FULL_HD]
        return 1 + self.seconds_of_work * formats.seconds(duration) * side**2

    def ceiling_mb(self) -> int:
        """Return how many megabytes of memory one render may take; 0: as many as it likes."""
        return settings.RENDER_MEMORY_MB if self.memory_mb is None else self.memory_mb

    def limit_seconds(self) -> int:
        """Return how many seconds one render may take."""
        return settings.JOB_TIMEOUT_SECONDS if self.timeout_seconds is None else self.timeout_seconds

    def load(self) -> LocalProvider:
        """Return the provider. Raise ImportError if its path is wrong."""
        provider: LocalProvider = import_string(self.provider)()
        return provider


BUILT_IN: dict[str, dict[str, Any]] = {
    "preview": {
        "title": "Preview (not AI)",
        "provider": "jobs.providers.preview.Preview",
        "seconds_of_work": 2.0,
    },
    "rehearsal": {
        "title": "Rehearsal (for tests)",
        "provider": "jobs.providers.rehearsal.Rehearsal",
        "seconds_of_work": 0.4,
    },
}


@functools.cache
def usable() -> dict[str, Model]:
    """Return the models that can be asked for, by alias, the default one first."""
    entries = {**BUILT_IN, **settings.VIDEO_MODELS}
    if not settings.REHEARSAL:
        entries.pop("rehearsal", None)
    models = {alias: _model(alias, entry) for alias, entry in entries.items() if entry}
    first = settings.DEFAULT_MODEL
    return dict(sorted(models.items(), key=lambda pair: pair[0] != first))


def _model(alias: str, entry: dict[str, Any]) -> Model:
    merged = {**BUILT_IN.get(alias, {}), **entry}
    lists = ("generation_types", "durations", "resolutions", "aspect_ratios")
    fields: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in merged.items()}
    return Model(alias=alias, **fields)


def get(alias: str) -> Model | None:
    """Return the model, or None if there is no such one (any more)."""
    return usable().get(alias)


def require(alias: str, *, generation_type: str, duration: str, resolution: str, aspect_ratio: str) -> Model:
    """Return the model. Raise InvalidOrder naming what it cannot do and what it can."""
    model = get(alias)
    if model is None:
        names = ", ".join(usable())
        raise _refusal("model", f"There is no model {alias!r} here. There are: {names}.", "unknown_model")
    asked = {
        "generation_type": (generation_type, model.generation_types),
        "duration": (duration, model.durations),
        "resolution": (resolution, model.resolutions),
        "aspect_ratio": (aspect_ratio, (*model.aspect_ratios, "")),
    }
    for field, (value, able) in asked.items():
        if value not in able:
            can = ", ".join(word for word in able if word)
            message = f"The model {alias!r} cannot do {field} {value!r}. It can do: {can}."
            raise _refusal(field, message, "unsupported_by_model")
    return model


def _refusal(field: str, message: str, code: str) -> InvalidOrder:
    return InvalidOrder(f"{field}: {message}", errors=[{"field": field, "message": message, "code": code}])


def _forget(**_: Any) -> None:
    usable.cache_clear()


setting_changed.connect(_forget)  # sent only by tests that override settings
