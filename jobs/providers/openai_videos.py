"""The `/v1/videos` shape: vLLM-Omni, SGLang, the LiteLLM proxy and other servers that took it from OpenAI.

https://platform.openai.com/docs/api-reference/videos (OpenAI's own was shut down in September 2026; its shape
lives on). Options: `form` (true: multipart also without a picture, as vLLM-Omni wants it), `fields` (further
ones for each submit), `seed` and `camera_fixed` (names of the fields that carry them).
"""

from __future__ import annotations

import json
from typing import Any

from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    Attachment,
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
    not_made,
    pause,
    text,
)

FAILED = {"failed", "error"}
ENDED = {"cancelled", "canceled", "expired"}


class OpenAIVideos(RemoteProvider):
    """Speaks to any server with `POST /videos`, `GET /videos/{id}` and `GET /videos/{id}/content`."""

    capabilities = Capabilities(seed=True)

    def submit(self, order: Order) -> Request:
        fields = {
            "model": self.route.model,
            "prompt": order.prompt,
            "seconds": str(order.duration_seconds),
            "size": f"{order.width}x{order.height}",
            **self.route.options.get("fields", {}),
        }
        if name := self.route.options.get("seed", "seed"):
            fields[name] = order.seed
        # Read by gateways in front of such servers; the servers themselves pass over it.
        headers = {**self._headers(), "Idempotency-Key": str(order.key)}
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

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=self.url(f"videos/{handle.remote_id}"), headers=self._headers())

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        status = text(reply.body, "status")
        error = reply.body.get("error")
        if status == "completed":
            return Made(video=self._content(handle))
        if status in FAILED or (error and status in ENDED):
            error = error if isinstance(error, dict) else {"message": error}
            return not_made(error.get("code"), error.get("message"))
        if status in ENDED:
            return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail=f"The provider says {status}.")
        return Working(share=_share(reply.body.get("progress")), step=status, poll_after=pause(reply))

    def cancel(self, handle: Handle) -> Request | None:
        if not self.route.options.get("cancel"):
            return None
        url = self.url(f"videos/{handle.remote_id}/cancel")
        return Request(method="POST", url=url, headers=self._headers())

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
