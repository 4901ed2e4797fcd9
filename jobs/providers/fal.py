"""The queue of fal: https://fal.ai/docs/api-reference/inference-api (base address https://queue.fal.run).

A model has its own input, so an entry says how ours is named there. Options: `names` (of the input fields;
"" leaves one out: `image`, `duration`, `resolution`, `aspect_ratio`, `seed`, and, if named, `camera_fixed`
and `portrait`), `image_model` (the model where there is a first frame), `duration` (a pattern such as
"{}s", or null for a number), `resolutions` (ours to the model's), `fields` (further input), `headers`
(further ones of the submit). fal keeps the input for 30 days and can be told not to, by
`{"X-Fal-Store-IO": "0"}`: then a result has to be fetched within the hour. `jwks` says where the keys are
published that webhooks are signed with, if not at fal's own address.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jobs.providers import signatures
from jobs.providers.base import FailureCode
from jobs.providers.named import NamedInput
from jobs.providers.remote import (
    IN_QUEUE,
    LONGEST_DETAIL,
    Ask,
    Capabilities,
    Handle,
    Made,
    Notice,
    NotMade,
    Order,
    Outcome,
    Refused,
    Reply,
    Request,
    Taken,
    Unreadable,
    Webhook,
    failure,
    not_made,
    refusal,
    text,
    working,
)

NAMES = {
    "image": "image_url",
    "duration": "duration",
    "resolution": "resolution",
    "aspect_ratio": "aspect_ratio",
    "seed": "seed",
}
RESOLUTIONS = {"sd_480p": "480p", "hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "2160p"}
WAITING = {"IN_QUEUE": IN_QUEUE}
BEGUN = frozenset({"IN_PROGRESS"})
JWKS = "https://rest.fal.ai/.well-known/jwks.json"
HEADERS = {
    # its own retries are no business of a job that was paid for once
    "X-Fal-No-Retry": "1",
    # the file lies at a public address, for good if nothing is said
    "X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 86400}),
}
# Failures of the queue and its runners. Of these the status says all; what a model says is in the result.
OF_THE_QUEUE = re.compile(r"^(runner_\w+|(request|startup)_timeout|client_(cancelled|disconnected))$")
CANCELLED = "client_cancelled"
# Answers to our question, not of the model.
OF_OUR_ASKING = frozenset({401, 403, 404, 405, 408, 409, 410, 425, 429})


class Fal(NamedInput):
    """Speaks to the queue by the addresses that it gives."""

    capabilities = Capabilities(seed=True, cancel=True, webhook=Webhook.PUBLISHED)
    names = NAMES
    words = RESOLUTIONS

    def submit(self, order: Order) -> Request:
        options = self.route.options
        model = options.get("image_model", self.route.model) if order.image else self.route.model
        pattern = options.get("duration", "{}")
        duration = pattern.format(order.duration_seconds) if pattern else order.duration_seconds
        address = self.route.callback(order.key)
        return Request(
            method="POST",
            url=self.url(model) + (f"?fal_webhook={quote(address, safe='')}" if address else ""),
            headers={**self._headers(), **HEADERS, **options.get("headers", {})},
            json={
                "prompt": order.prompt,
                **self.input(order, duration=duration),
                **options.get("fields", {}),
            },
        )

    def taken(self, reply: Reply) -> Taken:
        urls = {name: text(reply.body, f"{name}_url") for name in ("status", "response")}
        if cancel := reply.body.get("cancel_url"):
            urls["cancel"] = cancel
        return Taken(remote_id=text(reply.body, "request_id"), urls=urls)

    def refused(self, reply: Reply) -> Refused:
        code, message = _error(reply)
        if reply.status == 422:
            return Refused(
                _meaning(code, message, reply.status), f"HTTP 422: {code} {message}"[:LONGEST_DETAIL]
            )
        return refusal(reply, f"{code} {message}".strip())

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=text(handle.urls, "status"), headers=self._headers())

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        if text(reply.body, "status") != "COMPLETED":  # which also a failure is
            return working(reply.body["status"], reply, waiting=WAITING, begun=BEGUN)
        code, error = str(reply.body.get("error_type") or ""), reply.body.get("error")
        if OF_THE_QUEUE.match(code) or failure(code, "") == FailureCode.CONTENT_REJECTED:
            return dataclasses.replace(not_made(code, error), is_cancelled=code == CANCELLED)
        request = Request(method="GET", url=text(handle.urls, "response"), headers=self._headers())
        return Ask(request=request, read=lambda answer: self._result(answer, code, error), any_status=True)

    def cancel(self, handle: Handle) -> Request | None:
        url = handle.urls.get("cancel")
        return Request(method="PUT", url=url, headers=self._headers()) if url else None

    def is_genuine(self, notice: Notice, keys: Sequence[str]) -> bool:
        return signatures.fal(notice, keys)

    def published_at(self) -> str:
        return str(self.route.options.get("jwks", JWKS))

    def _result(self, reply: Reply, code: str, error: Any) -> Outcome:
        """Read the model's own answer; the status has told `code` and `error` if it failed."""
        theirs, message = _error(reply)
        is_theirs = reply.status not in OF_OUR_ASKING and (reply.status < 500 or theirs)
        if reply.status >= 400 and is_theirs:
            detail = f"HTTP {reply.status}: {theirs} {message}"[:LONGEST_DETAIL]
            meaning = _meaning(theirs, message, reply.status)
            return NotMade(code=meaning, detail=detail, is_cancelled=theirs == CANCELLED)
        if code or error:
            return not_made(code, error)
        if not 200 <= reply.status < 300:
            raise Unreadable(f"The result was answered with HTTP {reply.status}: {reply.text[:200]}")
        if url := _address(reply.body):
            return Made(video=Request(method="GET", url=url))
        detail = f"It is completed without a video: {reply.text}"[:LONGEST_DETAIL]
        flags = reply.body.get("has_nsfw_concepts") if isinstance(reply.body, Mapping) else None
        is_flagged = any(flags) if isinstance(flags, list) else bool(flags)  # one for each video, or for all
        meaning = FailureCode.CONTENT_REJECTED if is_flagged else FailureCode.PROVIDER_UNAVAILABLE
        return NotMade(code=meaning, detail=detail)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self.route.key}"} if self.route.key else {}


def _address(body: Any) -> str:
    """Return where the video is: models give a file, or a list of them."""
    found = body.get("video") or body.get("videos") if isinstance(body, Mapping) else None
    found = found[0] if isinstance(found, list) and found else found
    found = found.get("url") if isinstance(found, Mapping) else found
    return found if isinstance(found, str) else ""


def _error(reply: Reply) -> tuple[str, str]:
    """Return the code and the words of an error: the queue's are flat, a model's are a list."""
    body = reply.body if isinstance(reply.body, Mapping) else {}
    detail = body.get("detail")
    code = str(body.get("error_type") or reply.headers.get("x-fal-error-type") or "")
    if not isinstance(detail, list):
        return code, str(detail or reply.text)
    errors = [error for error in detail if isinstance(error, Mapping)]
    types = [str(error["type"]) for error in errors if error.get("type")]
    places = [f"{error.get('loc')}: {error.get('msg')}" for error in errors]
    return " ".join(types) or code, "; ".join(places)


def _meaning(code: str, message: str, status: int) -> FailureCode:
    """A code says it all (the words may quote the user); without one the words have to do."""
    if re.search(r"image_|face_|file_", code):
        return FailureCode.INVALID_IMAGE
    meaning = failure(code, "" if code else message)
    if meaning == FailureCode.PROVIDER_UNAVAILABLE and status in {400, 413, 422} and "downstream" not in code:
        return FailureCode.PROVIDER_REJECTED
    return meaning
