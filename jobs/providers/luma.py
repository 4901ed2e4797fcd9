"""Luma's Dream Machine API: `/generations/video` and what became of it.

https://docs.lumalabs.ai/docs/api (base address https://api.lumalabs.ai/dream-machine/v1; models ray-2 and
ray-flash-2). It takes pictures by public address only, so texts are all that is sent; there is no seed, no
cancel and no price. Options: `callback` (an address of yours with `{key}` in it, which it then also calls: a
submission whose reply was lost is found by it), `seconds` (the lengths it takes: name in the entry the
durations that are near them), `resolutions` (ours to its own words), `fields` (further ones for each submit).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    Capabilities,
    Handle,
    Made,
    NotMade,
    Order,
    Outcome,
    RemoteProvider,
    Reply,
    Request,
    Taken,
    Working,
    field,
    nearest,
    not_made,
    pause,
    text,
)

SECONDS = (5, 9)
RESOLUTIONS = {"sd_480p": "540p", "hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "4k"}
LOOKED_THROUGH = 100  # the newest of the account


class Luma(RemoteProvider):
    """Speaks to Luma's public API."""

    capabilities = Capabilities(image_to_video=False, find=True)

    def submit(self, order: Order) -> Request:
        options = self.route.options
        fields: dict[str, Any] = {
            "model": self.route.model,
            "prompt": order.prompt,
            "aspect_ratio": order.aspect_ratio,
            "duration": f"{nearest(order.duration_seconds, options.get('seconds', SECONDS))}s",
        }
        if word := options.get("resolutions", RESOLUTIONS).get(order.resolution):
            fields["resolution"] = word
        if address := self._callback(order.key):
            fields["callback_url"] = address
        return self._request("POST", "generations/video", json={**fields, **options.get("fields", {})})

    def taken(self, reply: Reply) -> Taken:
        return Taken(remote_id=text(reply.body, "id"))

    def poll(self, handle: Handle) -> Request:
        return self._request("GET", f"generations/{handle.remote_id}")

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        state, body = text(reply.body, "state"), reply.body
        if state == "completed":
            assets = body.get("assets")
            video = assets.get("video") if isinstance(assets, Mapping) else None
            if isinstance(video, str) and video:
                return Made(video=Request(method="GET", url=video))
            return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail="It was completed without a video.")
        if state == "failed":
            return not_made("", body.get("failure_reason"))
        return Working(step=state, poll_after=pause(reply))

    def find(self, handle: Handle) -> Request | None:
        if not self._callback(handle.key):
            return None  # equal requests of two jobs could not be told apart
        return self._request("GET", f"generations?limit={LOOKED_THROUGH}&offset=0")

    def found(self, handle: Handle, reply: Reply) -> Taken | None:
        sent, known = self._callback(handle.key), field(reply.body, "generations")
        for generation in known if isinstance(known, list) else ():
            request = generation.get("request") if isinstance(generation, Mapping) else None
            if isinstance(request, Mapping) and request.get("callback_url") == sent:
                return Taken(remote_id=text(generation, "id"))
        return None

    def _callback(self, key: uuid.UUID) -> str:
        address: str = self.route.options.get("callback", "")
        return address.replace("{key}", str(key)) if "{key}" in address else ""

    def _request(self, method: str, path: str, json: Any = None) -> Request:
        headers = {"Authorization": f"Bearer {self.route.key}", "Accept": "application/json"}
        return Request(method=method, url=self.url(path), headers=headers, json=json)
