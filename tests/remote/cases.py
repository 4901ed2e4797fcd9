"""The protocols: for each its stand-in and how a model reaches it."""

import dataclasses
from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from tests.remote.stand_ins import fal
from tests.remote.stand_ins.luma import LumaStandIn
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.openrouter import OpenRouterStandIn
from tests.remote.stand_ins.replicate import ReplicateStandIn
from tests.remote.stand_ins.runway import RunwayStandIn
from tests.remote.stand_ins.veo import VeoStandIn
from tests.remote.stand_ins.works import StandIn


@dataclasses.dataclass(frozen=True)
class Case:
    """One protocol. `remote` is what its entry needs beside the address; words it can't be tested with are
    in `without`.
    """

    name: str
    stand_in: Callable[[], StandIn]
    provider: str
    remote: dict[str, Any] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As the name of a variable has it."""
        return self.name.upper().replace("-", "_")

    @property
    def takes_pictures(self) -> bool:
        return bool(import_string(self.provider).capabilities.image_to_video)

    @property
    def finds(self) -> bool:
        """Whether a submit whose reply was lost can be looked up."""
        return bool(import_string(self.provider).capabilities.find)

    @property
    def cancels(self) -> bool:
        """Whether running work can be stopped."""
        return bool(import_string(self.provider).capabilities.cancel or self.options.get("cancel"))

    def entry(self, server: Any) -> dict[str, Any]:
        """Return a model's entry in VIDEO_MODELS."""
        return {
            "title": "Far away",
            "provider": self.provider,
            "seconds_of_work": 1.0,
            "options": self.options,
            "remote": {"base_url": server.base_url, "model": "sora-2", **self.remote},
        }


CASES = (
    Case(
        name="openai",
        stand_in=OpenAIStandIn,
        provider="jobs.providers.openai_videos.OpenAIVideos",
        options={"cancel": True},
    ),
    Case(
        name="runway",
        stand_in=RunwayStandIn,
        provider="jobs.providers.runway.Runway",
        remote={"model": "gen4.5"},
        without=("moderate",),  # its moderation only ever ends a task
    ),
    Case(
        name="luma",
        stand_in=LumaStandIn,
        provider="jobs.providers.luma.Luma",
        remote={"model": "ray-2"},
        options={"callback": "https://videos.example.org/heard/{key}"},
        without=("moderate",),  # its moderation only ever ends a generation
    ),
    Case(
        name="veo",
        stand_in=VeoStandIn,
        provider="jobs.providers.veo.Veo",
        remote={"model": "veo-2.0-generate-001"},
        options={"seconds": [5, 6, 7, 8]},
        without=("strange",),  # an operation has no words: it is done or it is not
    ),
    Case(
        name="fal",
        stand_in=fal.FalStandIn,
        provider="jobs.providers.fal.Fal",
        remote={"model": fal.TEXT},
        options={"image_model": fal.IMAGE, "names": {"camera_fixed": "camera_fixed"}},
        without=("moderate",),  # the queue takes everything: a model's moderation only ever ends a request
    ),
    Case(
        name="fal-silent",
        stand_in=fal.SilentFalStandIn,
        provider="jobs.providers.fal.Fal",
        remote={"model": fal.TEXT},
        options={"image_model": fal.IMAGE, "names": {"camera_fixed": "camera_fixed"}},
        without=("moderate",),
    ),
    Case(
        name="openrouter",
        stand_in=OpenRouterStandIn,
        provider="jobs.providers.openrouter.OpenRouter",
        remote={"model": "google/veo-3.1"},
    ),
    Case(
        name="replicate",
        stand_in=ReplicateStandIn,
        provider="jobs.providers.replicate.Replicate",
        remote={"model": "bytedance/seedance-1-pro"},
        without=("moderate",),  # its moderation only ever ends a prediction
    ),
)
