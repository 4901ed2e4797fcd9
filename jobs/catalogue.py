"""The models that can be asked for: data from the settings, checked once."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from jobs import formats
from jobs.callbacks import links
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.providers.base import LocalProvider
from jobs.providers.exchange import MILLION, nowhere
from jobs.providers.remote import Capabilities, Cost, RemoteProvider, Route, Webhook

FEATURES = ("seed", "camera_fixed", "reference_person")
SHAPES = ("durations", "resolutions", "aspect_ratios")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """How a model is reached that somebody else runs.

    `key` names the environment variable that holds the secret ("": there is none), `account` the name under
    which limits count: the key's unless it is said. `in_flight` jobs and `per_second` submits at most of an
    account. A submission of which nothing is known is given up after `unknown_seconds`. `fallback` are other
    aliases, tried in turn when this one has not taken a job. `price` is what the operator pays:
    `{"per_video": 0.2, "per_second": 0.05, "currency": "USD"}`. `webhook` names the variable that holds the
    secret the provider signs its webhooks with, where it does so; several, with spaces, while it is changed.
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
    webhook: str = ""

    def secret(self) -> str:
        """Return the key, from the variable or from the file that the same with `_FILE` names; "" if none."""
        return _secret(self.key)

    def webhook_secrets(self) -> tuple[str, ...]:
        """Return what webhooks are signed with, from such a variable or file."""
        return tuple(_secret(self.webhook).split())

    def cost(self, seconds: int) -> Cost | None:
        """Return what a video of that length costs the operator by the table; None: it has no price."""
        if not self.price:
            return None
        amount = float(self.price.get("per_video", 0)) + float(self.price.get("per_second", 0)) * seconds
        return Cost(micros=round(amount * MILLION), currency=str(self.price.get("currency", "USD")))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can do.

    `provider` is the dotted path of a `LocalProvider`, or of a `RemoteProvider` where there is a `remote`;
    `queue` the one whose workers make its videos. `features` are the fields it does not pass over.
    `seconds_of_work` is the stated time for one second of 1080p video, used until this installation has its
    own history; other sizes follow by their pixels. `memory_mb` and `timeout_seconds` are for one render:
    without them the settings hold, and no memory ceiling is written as 0. `kept` means that one process makes
    one video after the other, for what takes long to load.
    """

    alias: str
    title: str
    provider: str
    seconds_of_work: float
    queue: str = "render"
    memory_mb: int | None = None
    timeout_seconds: int | None = None
    kept: bool = False
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
            callback=functools.partial(links.of_submission, self.alias) if self.is_heard() else nowhere,
        )
        adapter: RemoteProvider = import_string(self.provider)(route)
        return adapter

    def cost(self, duration: str) -> Cost | None:
        """Return what a video of that duration costs the operator by the table; None: it has no price.

        It goes by the seconds that the provider is asked for, which may have lengths of its own.
        """
        provider = _remote_provider(self.provider)
        if self.remote is None or provider is None:
            return None
        keyless = provider(Route(alias=self.alias, base_url="", model="", options=self.options))
        return self.remote.cost(keyless.seconds(formats.seconds(duration)))

    def capabilities(self) -> Capabilities:
        """Return what the protocol of a remote model can carry; the plainest if its path is wrong."""
        provider = _remote_provider(self.provider)
        return provider.capabilities if provider else Capabilities()

    def is_heard(self) -> bool:
        """Return whether the provider's webhooks would be told from anyone else's, and can come here."""
        if self.remote is None or not settings.PUBLIC_URL:
            return False
        webhook = self.capabilities().webhook
        if webhook is Webhook.SECRET:
            return bool(self.remote.webhook_secrets())
        return webhook is not Webhook.NONE


def _secret(name: str) -> str:
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, "").strip()


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
    if alias not in BUILT_IN and "remote" not in merged:
        merged = {**_usual(merged.get("provider")), **merged}
    fields = _with_tuples(merged)
    if remote := fields.get("remote"):
        usual = _usual_of_remote(alias, fields)
        fields = {**usual, **fields, "remote": Remote(**_with_tuples(remote))}
    return Model(alias=alias, **fields)


def _usual_of_remote(alias: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return what a remote provider's entries have unless they say otherwise."""
    usual: dict[str, Any] = {"queue": "remote"}
    provider = _remote_provider(entry.get("provider"))
    if provider is None:
        return usual
    able = provider.capabilities
    adapter = provider(Route(alias=alias, base_url="", model="", options=entry.get("options", {})))
    usual |= {name: said for name in SHAPES if (said := getattr(able, name))}
    usual["features"] = tuple(name for name in FEATURES if getattr(able, name) and adapter.carries(name))
    if not adapter.carries(GenerationType.IMAGE_TO_VIDEO):
        usual["generation_types"] = (GenerationType.TEXT_TO_VIDEO.value,)
    return usual


def _remote_provider(path: Any) -> type[RemoteProvider] | None:
    """Return the adapter; None if the path is wrong."""
    try:
        found = import_string(path)
    except (ImportError, AttributeError):  # the checks say so
        return None
    return found if isinstance(found, type) and issubclass(found, RemoteProvider) else None


def _usual(provider: Any) -> Mapping[str, Any]:
    """Return what a local provider's entries have unless they say otherwise; nothing if its path is wrong."""
    try:
        usual: Mapping[str, Any] = import_string(provider).entry
    except (ImportError, AttributeError):  # the checks say so
        return {}
    return usual


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


def fallbacks(model: Model) -> list[Model]:
    """Return the remote models that this one falls back to, as far as they are there."""
    aliases = model.remote.fallback if model.remote else ()
    return [other for alias in aliases if (other := get(alias)) and other.remote]


def get(alias: str) -> Model | None:
    """Return the model, or None if there is no such one (any more)."""
    return usable().get(alias)


def _forget(**_: Any) -> None:
    usable.cache_clear()


setting_changed.connect(_forget)  # sent only by tests that override settings
