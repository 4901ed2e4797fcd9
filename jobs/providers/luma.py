"""Luma's Dream Machine API: `/generations/video` and what became of it.

https://docs.lumalabs.ai/docs/api (base address https://api.lumalabs.ai/dream-machine/v1; models ray-2 and
ray-flash-2). It takes pictures by public address only, so texts are all that is sent; there is no seed, no
cancel and no price. A submission whose reply was lost is found by the address that Luma is to call, which
needs a PUBLIC_URL. Options: `callback` (an address of yours with `{key}` in it, in place of ours), `seconds`
(the lengths it takes: name in the entry the durations that are near them), `resolutions` (ours to its own
words), `fields` (further ones for each submit).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from jobs.formats import AspectRatio
from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    IN_QUEUE,
    Capabilities,
    Further,
    Handle,
    Made,
    NotMade,
    Order,
    Outcome,
    RemoteProvider,
    Reply,
    Request,
    Taken,
    Unreadable,
    Webhook,
    moment,
    nearest,
    not_made,
    text,
    working,
)

SECONDS = (5, 9)
RESOLUTIONS = {"sd_480p": "540p", "hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "4k"}
WAITING = {"queued": IN_QUEUE}
BEGUN = frozenset({"dreaming"})
PAGE = 100  # the longest that there is


class Luma(RemoteProvider):
    """Speaks to Luma's public API."""

    capabilities = Capabilities(
        image_to_video=False,
        durations=("short", "medium"),
        resolutions=tuple(RESOLUTIONS),
        aspect_ratios=tuple(AspectRatio.values),
        find=True,
        webhook=Webhook.ADDRESS,
    )

    def seconds(self, asked: int) -> int:
        return nearest(asked, self.route.options.get("seconds", SECONDS))

    @property
    def resolutions(self) -> Collection[str]:
        return self._resolutions or super().resolutions  # without words the model decides

    def submit(self, order: Order) -> Request:
        options = self.route.options
        fields: dict[str, Any] = {
            "model": self.route.model,
            "prompt": order.prompt,
            "aspect_ratio": order.aspect_ratio,
            "duration": f"{self.seconds(order.duration_seconds)}s",
        }
        if word := self._resolutions.get(order.resolution):
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
        return working(state, reply, waiting=WAITING, begun=BEGUN)

    def find(self, handle: Handle) -> Request | None:
        if not self._callback(handle.key):
            return None  # equal requests of two jobs could not be told apart
        return self._page(0)

    def found(self, handle: Handle, reply: Reply) -> Taken | Further | None:
        known = _listed(reply.body)
        for generation in known:
            request = generation.get("request") if isinstance(generation, Mapping) else None
            sent = request.get("callback_url") if isinstance(request, Mapping) else None
            if isinstance(sent, str) and str(handle.key) in sent:  # whatever it was called then
                return Taken(remote_id=text(generation, "id"))
        offset = reply.body.get("offset")
        if not known or not reply.body.get("has_more") or not isinstance(offset, int):
            return None
        following = self._page(offset + len(known))
        return Further(request=following, oldest=moment(known[-1], "created_at"))

    def _page(self, offset: int) -> Request:
        return self._request("GET", f"generations?limit={PAGE}&offset={offset}")

    @property
    def _resolutions(self) -> Mapping[str, str]:
        words: Mapping[str, str] = self.route.options.get("resolutions", RESOLUTIONS)
        return words

    def _callback(self, key: uuid.UUID) -> str:
        address: str = self.route.options.get("callback", "")
        return address.replace("{key}", str(key)) if "{key}" in address else self.route.callback(key)

    def _request(self, method: str, path: str, json: Any = None) -> Request:
        headers = {"Authorization": f"Bearer {self.route.key}", "Accept": "application/json"}
        return Request(method=method, url=self.url(path), headers=headers, json=json)


def _listed(body: Any) -> list[Any]:
    found = body.get("generations") if isinstance(body, Mapping) else None
    if not isinstance(found, list):
        raise Unreadable("The list has no 'generations'.")
    return found
