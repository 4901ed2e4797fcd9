"""Veo by the Gemini API: `models/{model}:predictLongRunning` and the operation that it starts.

https://ai.google.dev/gemini-api/docs/video (base address https://generativelanguage.googleapis.com/v1beta).
The Veo previews there are said to have been retired in October 2026; gateways go on serving the shape. An
operation tells neither how far it is nor what it costs, and can't be looked up or cancelled. Options:
`seconds` (the lengths the model takes: name in the entry the durations that are near them), `resolutions`
(ours to its own words), `seed` (the parameter that carries it; not every model has one), `parameters`
(further ones for each submit, such as `{"personGeneration": "allow_adult"}`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from typing import Any

from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    LONGEST_DETAIL,
    Capabilities,
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
    Working,
    nearest,
    not_made,
    pause,
    refusal,
    text,
    words,
)

SECONDS = (4, 6, 8)
RATIOS = ("16:9", "9:16")
RESOLUTIONS = {"hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "4k"}
# google.rpc.Code, by which an operation says how it failed
CODES = {"3": "INVALID_ARGUMENT", "4": "DEADLINE_EXCEEDED", "8": "RESOURCE_EXHAUSTED", "13": "INTERNAL"}


class Veo(RemoteProvider):
    """Speaks to the Gemini API."""

    # 1080p and more is made at 8 seconds only, and not by every model
    capabilities = Capabilities(durations=("short",), resolutions=("hd_720p",), aspect_ratios=RATIOS)

    def carries(self, feature: str) -> bool:
        return bool(self.route.options.get("seed")) if feature == "seed" else super().carries(feature)

    def seconds(self, asked: int) -> int:
        return nearest(asked, self.route.options.get("seconds", SECONDS))

    @property
    def resolutions(self) -> Collection[str]:
        return self._resolutions or super().resolutions  # without words the model decides

    @property
    def aspect_ratios(self) -> Collection[str]:
        return RATIOS

    def submit(self, order: Order) -> Request:
        options = self.route.options
        instance: dict[str, Any] = {"prompt": order.prompt}
        if order.image is not None:
            content = base64.b64encode(order.image).decode()
            instance["image"] = {"bytesBase64Encoded": content, "mimeType": "image/jpeg"}
        parameters: dict[str, Any] = {
            "aspectRatio": _ratio(order),
            "durationSeconds": self.seconds(order.duration_seconds),
        }
        if word := self._resolutions.get(order.resolution):
            parameters["resolution"] = word
        if name := options.get("seed"):
            parameters[name] = order.seed
        body = {"instances": [instance], "parameters": {**parameters, **options.get("parameters", {})}}
        return self._request("POST", self.url(f"models/{self.route.model}:predictLongRunning"), json=body)

    def taken(self, reply: Reply) -> Taken:
        return Taken(remote_id=text(reply.body, "name"))

    def refused(self, reply: Reply) -> Refused:
        details = _details(reply.body)
        if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):  # comes with a 400
            detail = f"HTTP {reply.status}: {words(reply)}"[:LONGEST_DETAIL]
            return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, again=True, is_outage=True)
        why = refusal(reply)
        if why.again and why.pause is None:
            why.pause = _delay(details)
        return why

    def poll(self, handle: Handle) -> Request:
        return self._request("GET", self.url(handle.remote_id))

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        text(reply.body, "name")
        if not reply.body.get("done"):
            return Working(poll_after=pause(reply))
        if error := reply.body.get("error"):
            error = error if isinstance(error, Mapping) else {"message": error}
            return not_made(CODES.get(str(error.get("code")), error.get("code")), error.get("message"))
        answer = _inner(_inner(reply.body, "response"), "generateVideoResponse")
        samples = answer.get("generatedSamples")
        video = _inner(samples[0], "video") if isinstance(samples, list) and samples else {}
        if url := video.get("uri"):
            return Made(video=self._request("GET", url) if self.route.owns(url) else _bare(url))
        if answer.get("raiMediaFilteredCount"):
            detail = f"Filtered: {answer.get('raiMediaFilteredReasons')}"[:LONGEST_DETAIL]
            return NotMade(code=FailureCode.CONTENT_REJECTED, detail=detail)
        return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail="It is done without a video.")

    @property
    def _resolutions(self) -> Mapping[str, str]:
        words_: Mapping[str, str] = self.route.options.get("resolutions", RESOLUTIONS)
        return words_

    def _request(self, method: str, url: str, json: Any = None) -> Request:
        return Request(method=method, url=url, headers={"x-goog-api-key": self.route.key}, json=json)


def _bare(url: str) -> Request:
    return Request(method="GET", url=url)


def _ratio(order: Order) -> str:
    """A picture may have any shape, and there are but two: it is cropped to the nearer one."""
    if order.image is None:
        return order.aspect_ratio
    return "16:9" if order.width >= order.height else "9:16"


def _inner(body: Any, name: str) -> Mapping[str, Any]:
    found = body.get(name) if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _details(body: Any) -> list[Mapping[str, Any]]:
    found = _inner(body, "error").get("details")
    return [detail for detail in found if isinstance(detail, Mapping)] if isinstance(found, list) else []


def _delay(details: list[Mapping[str, Any]]) -> float | None:
    """Return what `google.rpc.RetryInfo` asks for, such as "12s" or "0.5s"."""
    for detail in details:
        if found := re.fullmatch(r"(\d{1,5}(?:\.\d+)?)s", str(detail.get("retryDelay"))):
            return float(found[1])
    return None
