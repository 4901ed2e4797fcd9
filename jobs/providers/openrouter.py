"""OpenRouter's videos: https://openrouter.ai/docs/guides/overview/multimodal/video-generation

Base address https://openrouter.ai/api/v1. What a model takes is told at `/videos/models`; an entry says it in
our words. There is no way to cancel a job there, nor to look one up. Options: `fields` (further ones for each
submit, such as `{"generate_audio": false, "provider": {...}}`), `omit` (those of ours that the model does not
take, such as `["seed"]`), `size` (true: ask for the exact pixels). A portrait counts only where there is no
first frame: name the feature in entries that make videos from text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from jobs.providers import signatures
from jobs.providers.base import FailureCode
from jobs.providers.exchange import data_url
from jobs.providers.remote import (
    IN_QUEUE,
    LONGEST_DETAIL,
    Capabilities,
    Cost,
    Handle,
    Made,
    Notice,
    NotMade,
    Order,
    Outcome,
    Refused,
    RemoteProvider,
    Reply,
    Request,
    Taken,
    Webhook,
    micros,
    not_made,
    refusal,
    text,
    working,
)

RESOLUTIONS = {"sd_480p": "480p", "hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "4K"}
RATIOS = frozenset({"16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21"})
CARRIED_AS = {"image_to_video": "frame_images", "seed": "seed", "reference_person": "input_references"}
WAITING = {"pending": IN_QUEUE}
BEGUN = frozenset({"in_progress"})
ENDED = frozenset({"failed", "cancelled", "expired"})


class OpenRouter(RemoteProvider):
    """Speaks to `/videos`."""

    capabilities = Capabilities(seed=True, webhook=Webhook.SECRET)

    def carries(self, feature: str) -> bool:
        field = CARRIED_AS.get(feature)
        return field is not None and field not in self.route.options.get("omit", ())

    def submit(self, order: Order) -> Request:
        fields: dict[str, Any] = {
            "model": self.route.model,
            "prompt": order.prompt,
            "duration": order.duration_seconds,
            "seed": order.seed,
            **self._frame(order),
        }
        if order.image is not None:
            fields["frame_images"] = [{**_picture(order.image), "frame_type": "first_frame"}]
        if order.portrait is not None:
            fields["input_references"] = [_picture(order.portrait)]
        if address := self.route.callback(order.key):
            fields["callback_url"] = address
        for name in self.route.options.get("omit", ()):
            fields.pop(name, None)
        return Request(
            method="POST",
            url=self.url("videos"),
            headers=self._headers(),
            json={**fields, **self.route.options.get("fields", {})},
        )

    def taken(self, reply: Reply) -> Taken:
        place = self._place(text(reply.body, "polling_url"))
        return Taken(remote_id=text(reply.body, "id"), urls={"poll": place})

    def refused(self, reply: Reply) -> Refused:
        code, message, is_moderated = _error(
            reply.body.get("error") if isinstance(reply.body, Mapping) else None
        )
        if is_moderated:
            detail = f"HTTP {reply.status}: {code} {message}"[:LONGEST_DETAIL]
            return Refused(FailureCode.CONTENT_REJECTED, detail)
        return refusal(reply, f"{code} {message}".strip())

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=text(handle.urls, "poll"), headers=self._headers())

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        status = text(reply.body, "status")
        cost = _cost(reply.body.get("usage"))
        if status == "completed":
            places = [*(reply.body.get("unsigned_urls") or ()), *(reply.body.get("urls") or ())]
            if not places:
                detail = "It is completed without a video."
                return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail=detail, cost=cost)
            return Made(video=self._download(str(places[0])), cost=cost)
        if status in ENDED:
            code, message, is_moderated = _error(reply.body.get("error"))
            if is_moderated:
                return NotMade(code=FailureCode.CONTENT_REJECTED, detail=f"{code} {message}", cost=cost)
            return not_made(code or status, message, cost=cost)
        return working(status, reply, waiting=WAITING, begun=BEGUN)

    def is_genuine(self, notice: Notice, keys: Sequence[str]) -> bool:
        return signatures.stamped(notice, "x-openrouter-signature", keys)

    def _frame(self, order: Order) -> dict[str, str]:
        if self.route.options.get("size"):
            return {"size": f"{order.width}x{order.height}"}
        frame = {"resolution": RESOLUTIONS.get(order.resolution), "aspect_ratio": order.aspect_ratio}
        if order.aspect_ratio not in RATIOS:  # that of a picture may be any
            del frame["aspect_ratio"]
        return {name: value for name, value in frame.items() if value}

    def _download(self, place: str) -> Request:
        url = self._place(place)
        return Request(method="GET", url=url, headers=self._headers() if self.route.owns(url) else {})

    def _place(self, place: str) -> str:
        """An address may be relative to the host."""
        return urljoin(self.route.base_url, place)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.route.key}"} if self.route.key else {}


def _picture(content: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(content)}}


def _cost(usage: Any) -> Cost | None:
    """In US dollars; with a key of the operator's own at the maker, that one's bill is not in it."""
    if not isinstance(usage, Mapping) or usage.get("is_byok"):
        return None
    amount = micros(usage.get("cost"))
    return None if amount is None else Cost(micros=amount)


def _error(error: Any) -> tuple[str, str, bool]:
    """Return the code and the words of an error, and whether it is one of the content rules."""
    if not isinstance(error, Mapping):
        return "", str(error or ""), False
    more = error.get("metadata")
    more = more if isinstance(more, Mapping) else {}
    code = str(more.get("error_type") or error.get("code") or "")
    is_moderated = code == "content_policy_violation" or any(
        name in more for name in ("reasons", "flagged_input", "patterns")
    )
    reasons = more.get("reasons") or more.get("provider_code") or ""
    return code, f"{error.get('message') or ''} {reasons}".strip(), is_moderated
