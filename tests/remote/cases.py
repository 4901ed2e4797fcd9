"""The protocols: for each its stand-in and how a model reaches it."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tests.remote.stand_ins.openai_videos import OpenAIStandIn
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
    ),
)
