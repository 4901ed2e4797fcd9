"""Where each model has its own input: an entry says how ours is named there.

Options: `names` (of the input fields; "" leaves one out) and `resolutions` (ours to the model's).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from jobs.providers.exchange import Order, data_url
from jobs.providers.remote import RemoteProvider

CARRIED_AS = {"image_to_video": "image", "reference_person": "portrait"}


def by_name(names: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given by the model's names, less what it has no name for and what is not there."""
    return {names[name]: value for name, value in given.items() if names.get(name) and value is not None}


def chosen(output: Any, name: str) -> str | None:
    """Return the text among a model's outputs: the one of that name, the first of a list; None if none."""
    if isinstance(output, Mapping):
        output = output.get(name)
    if isinstance(output, list):
        output = next((item for item in output if isinstance(item, str)), None)
    return output if isinstance(output, str) else None


class NamedInput(RemoteProvider):
    """What such adapters have in common; `names` and `words` are what most models of the provider go by."""

    names: ClassVar[Mapping[str, str]]
    words: ClassVar[Mapping[str, str]]

    def carries(self, feature: str) -> bool:
        return bool(self._names.get(CARRIED_AS.get(feature, feature)))

    @property
    def resolutions(self) -> Collection[str]:
        words = self._words if self._names.get("resolution") else {}
        return words or super().resolutions  # without words the model decides

    def input(self, order: Order, *, duration: Any) -> dict[str, Any]:
        """Return the order by the model's names, less what it has no name for; `duration` as it takes it."""
        given = {
            "image": data_url(order.image) if order.image else None,
            "portrait": data_url(order.portrait) if order.portrait else None,
            "duration": duration,
            "resolution": self._words.get(order.resolution),
            # a first frame has its own shape
            "aspect_ratio": None if order.image else order.aspect_ratio,
            "seed": order.seed,
            "camera_fixed": order.camera_fixed,
        }
        return by_name(self._names, given)

    @property
    def _names(self) -> dict[str, str]:
        return {**self.names, **self.route.options.get("names", {})}

    @property
    def _words(self) -> Mapping[str, str]:
        words: Mapping[str, str] = self.route.options.get("resolutions", self.words)
        return words
