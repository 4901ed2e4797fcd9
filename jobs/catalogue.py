"""The models that can be asked for: data from the settings, checked once."""

import dataclasses
import functools
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from jobs import formats
from jobs.errors import InvalidOrder
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.providers.base import LocalProvider
from jobs.providers.remote import RemoteProvider, Route

FEATURES = ("seed", "camera_fixed", "reference_person")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """How a model is reached that somebody else runs.

    `key` names the environment variable that holds the secret ("": there is none), `account` the name under
    which limits count: the key's unless it is said. `in_flight` jobs and `per_second` submits at most of an
    account. A submission of which nothing is known is given up after `unknown_seconds`. `fallback` are other
    aliases, tried in turn when this one has not taken a job. `price` is what the operator pays:
    `{"per_video": 0.2, "per_second": 0.05, "currency": "USD"}`.
    """

    base_url: str
    model: str = ""
    key: str = ""
    account: str = ""
    hosts: tuple[str, ...] = ()
    in_flight: int = 100
    per_second: float = 5.0
    poll_seconds: float = 5.0
    unknown_seconds: float = 600.0
    fallback: tuple[str, ...] = ()
    price: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def secret(self) -> str:
        """Return the key, from the variable or from the file that the same with `_FILE` names; "" if none."""
        if path := os.environ.get(f"{self.key}_FILE"):
            return Path(path).read_text().strip()
        return os.environ.get(self.key, "").strip()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can do.

    `provider` is the dotted path of a `LocalProvider`, or of a `RemoteProvider` where there is a `remote`;
    `queue` the one whose workers make its videos. `features` are the fields it does not pass over.
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
    features: tuple[str, ...] = FEATURES
    is_listed: bool = True
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    remote: Remote | None = None

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

    def adapter(self) -> RemoteProvider:
        """Return the adapter of a model with a `remote`."""
        assert self.remote is not None  # noqa: S101 - the caller knows
        route = Route(
            alias=self.alias,
            base_url=self.remote.base_url,
            model=self.remote.model or self.alias,
            key=self.remote.secret(),
            account=self.remote.account or self.remote.key or self.alias,
            hosts=self.remote.hosts,
            options=self.options,
        )
        adapter: RemoteProvider = import_string(self.provider)(route)
        return adapter


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
    models = {alias: model for alias, model in models.items() if _is_switched_on(model)}
    first = settings.DEFAULT_MODEL
    return dict(sorted(models.items(), key=lambda pair: pair[0] != first))


def _model(alias: str, entry: dict[str, Any]) -> Model:
    merged = {**BUILT_IN.get(alias, {}), **entry}
    fields = _with_tuples(merged)
    if remote := fields.get("remote"):
        able = import_string(fields["provider"]).capabilities
        fields.setdefault("queue", "remote")
        fields.setdefault("features", tuple(name for name in FEATURES if getattr(able, name)))
        fields["remote"] = Remote(**_with_tuples(remote))
        if not able.image_to_video:
            fields.setdefault("generation_types", (GenerationType.TEXT_TO_VIDEO.value,))
    return Model(alias=alias, **fields)


def _with_tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def _is_switched_on(model: Model) -> bool:
    """A model that needs a key is there once the key is."""
    return model.remote is None or not model.remote.key or bool(model.remote.secret())


def all_remote() -> list[Model]:
    """Return the models that somebody else runs, those that only others fall back to included."""
    return [model for model in usable().values() if model.remote]


def remote(queue: str) -> list[Model]:
    """Return those of one queue."""
    return [model for model in all_remote() if model.queue == queue]


def get(alias: str) -> Model | None:
    """Return the model, or None if there is no such one (any more)."""
    return usable().get(alias)


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

    `features` are those of FEATURES that the order makes use of.
    """
    model = get(alias)
    if model is None or not model.is_listed:
        names = ", ".join(name for name, other in usable().items() if other.is_listed)
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
    for field in features:
        if field not in model.features:
            message = f"The model {alias!r} takes no {field}: leave it out."
            raise _refusal(field, message, "unsupported_by_model")
    return model


def _refusal(field: str, message: str, code: str) -> InvalidOrder:
    return InvalidOrder(f"{field}: {message}", errors=[{"field": field, "message": message, "code": code}])


def _forget(**_: Any) -> None:
    usable.cache_clear()


setting_changed.connect(_forget)  # sent only by tests that override settings
