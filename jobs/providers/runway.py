"""Runway: `/v1/text_to_video`, `/v1/image_to_video` and the tasks that they start.

https://docs.dev.runwayml.com/api (base address https://api.dev.runwayml.com). A task has no news more often
than every 5 seconds: leave `poll_seconds` at that. Which ratios, lengths and further fields there are depends
on the model: name in the entry the durations and aspect ratios it can do. Options: `ratios` (what the model
takes, "1280:720" or "16:9"), `seconds` (the lengths it takes, if not any), `resolutions` (ours to its own
words, sent as `resolution`), `seed` (the field that carries it, "" for a model without one), `fields`
(further ones for each submit), `credit_micros` (the price of a credit in millionths of a dollar).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jobs.formats import SHORT_SIDE
from jobs.providers.base import FailureCode
from jobs.providers.exchange import data_url
from jobs.providers.remote import (
    IN_QUEUE,
    Capabilities,
    Cost,
    Handle,
    Made,
    NotMade,
    Order,
    Outcome,
    Refused,
    RemoteProvider,
    Reply,
    Request,
    Taken,
    nearest,
    not_made,
    refusal,
    text,
    words,
    working,
)

VERSION = "2024-11-06"
RATIOS = ("1280:720", "720:1280")
CREDIT_MICROS = 10_000
LEAST_SIDE = 100  # pixels: less is no size but a shape
WAITING = {"PENDING": IN_QUEUE, "THROTTLED": "Waiting for its turn at the provider"}
BEGUN = frozenset({"RUNNING"})
MOST_CREDITS = 1e9  # for one video; what says more is no cost
NEAR = 0.05  # of a shape: 1104:832 is sold as 4:3


class Runway(RemoteProvider):
    """Speaks to Runway's public API."""

    capabilities = Capabilities(
        seed=True,
        durations=("short", "medium"),
        resolutions=("hd_720p",),
        aspect_ratios=("16:9", "9:16"),
        cancel=True,
    )

    def carries(self, feature: str) -> bool:
        return bool(self.route.options.get("seed", "seed")) if feature == "seed" else super().carries(feature)

    def seconds(self, asked: int) -> int:
        return nearest(asked, self.route.options.get("seconds") or (asked,))

    @property
    def resolutions(self) -> Collection[str]:
        if told := self.route.options.get("resolutions"):
            return tuple(told)
        most = max((min(_sides(word)) for word in self._ratios), default=0)
        if most < LEAST_SIDE:  # these are shapes: the model has a size of its own
            return super().resolutions
        return [name for name, side in SHORT_SIDE.items() if side <= most]

    @property
    def aspect_ratios(self) -> Collection[str]:
        shapes = {name: _sides(name) for name in super().aspect_ratios}
        able = [
            name for name, shape in shapes.items() if any(_off(word, shape) < NEAR for word in self._ratios)
        ]
        return able or super().aspect_ratios

    def submit(self, order: Order) -> Request:
        options = self.route.options
        fields: dict[str, Any] = {
            "model": self.route.model,
            "promptText": order.prompt,
            "ratio": _ratio(order, self._ratios),
            "duration": self.seconds(order.duration_seconds),
        }
        if name := options.get("seed", "seed"):
            fields[name] = order.seed
        if word := options.get("resolutions", {}).get(order.resolution):
            fields["resolution"] = word
        if order.image is not None:
            fields["promptImage"] = data_url(order.image)
        path = "v1/text_to_video" if order.image is None else "v1/image_to_video"
        return self._request("POST", path, json={**fields, **options.get("fields", {})})

    def taken(self, reply: Reply) -> Taken:
        return Taken(remote_id=text(reply.body, "id"))

    def refused(self, reply: Reply) -> Refused:
        issues = reply.body.get("issues") if isinstance(reply.body, Mapping) else None
        known = issues if isinstance(issues, list) else []
        said = [str(issue.get("message")) for issue in known if isinstance(issue, Mapping)]
        return refusal(reply, " ".join([words(reply), *said]))

    def poll(self, handle: Handle) -> Request:
        return self._request("GET", f"v1/tasks/{handle.remote_id}")

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        status, body = text(reply.body, "status"), reply.body
        if status == "SUCCEEDED":
            files = body.get("output")
            if isinstance(files, list) and files and isinstance(files[0], str):
                return Made(video=Request(method="GET", url=files[0]), cost=self._cost(body))
            return self._ended("It succeeded without an output.", body)
        if status == "FAILED":
            return self._failed(body)
        if status == "CANCELLED":
            return dataclasses.replace(self._ended("It was cancelled.", body), is_cancelled=True)
        share = _share(body.get("progress"))
        return working(status, reply, waiting=WAITING, begun=BEGUN, share=share)

    def cancel(self, handle: Handle) -> Request | None:
        return self._request("DELETE", f"v1/tasks/{handle.remote_id}")

    @property
    def _ratios(self) -> Iterable[str]:
        able: Iterable[str] = self.route.options.get("ratios", RATIOS)
        return able

    def _failed(self, body: Mapping[str, Any]) -> NotMade:
        code = str(body.get("failureCode") or "")
        said = not_made(code, body.get("failure"), cost=self._cost(body))
        if code.startswith("ASSET."):  # the picture is the only one that is sent
            return NotMade(code=FailureCode.INVALID_IMAGE, detail=said.detail, cost=said.cost)
        return said

    def _ended(self, detail: str, body: Mapping[str, Any]) -> NotMade:
        code = FailureCode.PROVIDER_UNAVAILABLE
        return NotMade(code=code, detail=detail, cost=self._cost(body))

    def _cost(self, body: Mapping[str, Any]) -> Cost | None:
        cost = body.get("cost")
        credits_ = cost.get("credits") if isinstance(cost, Mapping) else None
        if not isinstance(credits_, int | float) or not 0 <= credits_ < MOST_CREDITS:  # NaN is not, either
            return None
        return Cost(micros=round(credits_ * self.route.options.get("credit_micros", CREDIT_MICROS)))

    def _request(self, method: str, path: str, json: Any = None) -> Request:
        headers = {"Authorization": f"Bearer {self.route.key}", "X-Runway-Version": VERSION}
        return Request(method=method, url=self.url(path), headers=headers, json=json)


def _ratio(order: Order, able: Iterable[str]) -> str:
    """Return the nearest shape the model takes, the nearest size of that; for a text only its very shape."""

    def distance(word: str) -> tuple[float, int]:
        off = _off(word, (order.width, order.height))
        return (0.0 if off < NEAR else off), abs(_sides(word)[0] - order.width)

    best = min(able, key=distance, default="")
    if best and (order.image is not None or distance(best)[0] == 0.0):
        return best
    return f"{order.width}:{order.height}"


def _sides(word: str) -> tuple[int, int]:
    width, height = (int(part) for part in word.split(":"))
    return width, height


def _off(word: str, sides: tuple[int, int]) -> float:
    """Return by how much the shape of these sides differs from that of the word, as a share."""
    width, height = _sides(word)
    return abs(width / height / (sides[0] / sides[1]) - 1)


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
