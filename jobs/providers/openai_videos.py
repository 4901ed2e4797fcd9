"""The `/v1/videos` shape: vLLM-Omni, SGLang, the LiteLLM proxy and other servers that took it from OpenAI.

https://platform.openai.com/docs/api-reference/videos (OpenAI's own was shut down in September 2026; its shape
lives on). Options: `form` (true: multipart also without a picture, as vLLM-Omni wants it), `fields` (further
ones for each submit), `seed` and `camera_fixed` (names of the fields that carry them), `cancel` (true: the
server has `POST /videos/{id}/cancel`).

Webhooks, where a server has OpenAI's, go to one address that is entered there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.providers import signatures
from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    IN_QUEUE,
    Attachment,
    Capabilities,
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
    not_made,
    refusal,
    text,
    working,
)

FAILED = {"failed", "error"}
CANCELLED = {"cancelled", "canceled"}
ENDED = {*CANCELLED, "expired"}
WAITING = {"queued": IN_QUEUE}
BEGUN = {"in_progress", "processing"}  # LiteLLM's documents have the second one
UNKNOWN_KEY = "no_db_connection"  # a LiteLLM proxy without a database says this, with a 400, of a wrong key


class OpenAIVideos(RemoteProvider):
    """Speaks to any server with `POST /videos`, `GET /videos/{id}` and `GET /videos/{id}/content`."""

    capabilities = Capabilities(seed=True, webhook=Webhook.SECRET)

    def carries(self, feature: str) -> bool:
        return bool(self._names[feature]) if feature in self._names else super().carries(feature)

    def submit(self, order: Order) -> Request:
        fields = {
            "model": self.route.model,
            "prompt": order.prompt,
            "seconds": str(order.duration_seconds),
            "size": f"{order.width}x{order.height}",
            **self.route.options.get("fields", {}),
        }
        given = {"seed": order.seed, "camera_fixed": order.camera_fixed}
        fields |= {name: given[feature] for feature, name in self._names.items() if name}
        # Read by gateways in front of such servers; the servers themselves pass over both. LiteLLM left to
        # itself submits up to three times, also when the first was taken and only its reply was lost.
        told = {"Idempotency-Key": str(order.key), "x-litellm-num-retries": "0"}
        headers = {**self._headers(), **told}
        if order.image is None and not self.route.options.get("form"):
            return Request(method="POST", url=self.url("videos"), headers=headers, json=fields)
        picture = Attachment(name="picture.jpg", content_type="image/jpeg", content=order.image or b"")
        return Request(
            method="POST",
            url=self.url("videos"),
            headers=headers,
            fields={name: _plain(value) for name, value in fields.items()},
            files={"input_reference": picture} if order.image else {},
        )

    def taken(self, reply: Reply) -> Taken:
        return Taken(remote_id=text(reply.body, "id"))

    def refused(self, reply: Reply) -> Refused:
        said = refusal(reply)
        error = reply.body.get("error") if isinstance(reply.body, Mapping) else None
        if isinstance(error, Mapping) and error.get("type") == UNKNOWN_KEY:
            return Refused(FailureCode.PROVIDER_UNAVAILABLE, said.detail, again=True, is_outage=True)
        return said

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=self.url(f"videos/{handle.remote_id}"), headers=self._headers())

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        status = text(reply.body, "status")
        error = reply.body.get("error")
        if status == "completed":
            return Made(video=self._content(handle))
        if status in FAILED or (error and status in ENDED):
            error = error if isinstance(error, dict) else {"message": error}
            said = not_made(error.get("code"), error.get("message"))
            return dataclasses.replace(said, is_cancelled=status in CANCELLED)
        if status in ENDED:
            code, detail = FailureCode.PROVIDER_UNAVAILABLE, f"The provider says {status}."
            return NotMade(code=code, detail=detail, is_cancelled=status in CANCELLED)
        share = _share(reply.body.get("progress"))
        return working(status, reply, waiting=WAITING, begun=BEGUN, share=share)

    @property
    def cancels(self) -> bool:
        return bool(self.route.options.get("cancel"))

    def cancel(self, handle: Handle) -> Request | None:
        if not self.cancels:
            return None
        url = self.url(f"videos/{handle.remote_id}/cancel")
        return Request(method="POST", url=url, headers=self._headers())

    def is_genuine(self, notice: Notice, keys: Sequence[str]) -> bool:
        return signatures.standard(notice, keys)

    def told_of(self, notice: Notice) -> str:
        try:
            event = json.loads(notice.body)
        except (ValueError, RecursionError):
            return ""
        data = event.get("data") if isinstance(event, Mapping) else None
        told = data.get("id") if isinstance(data, Mapping) else None
        return told if isinstance(told, str) else ""

    @property
    def _names(self) -> dict[str, str]:
        options = self.route.options
        return {"seed": options.get("seed", "seed"), "camera_fixed": options.get("camera_fixed", "")}

    def _content(self, handle: Handle) -> Request:
        url = self.url(f"videos/{handle.remote_id}/content")
        return Request(method="GET", url=url, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.route.key}"} if self.route.key else {}


def _share(value: Any) -> float | None:
    """Progress is in per cent, and 0 of servers that don't know."""
    if isinstance(value, int | float) and 0 < value <= 100:
        return float(value) / 100
    return None


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
