"""Replicate: https://replicate.com/docs/reference/http (base address https://api.replicate.com/v1).

The model is `owner/name` (an official one), `owner/name:version` or a version. It has its own input, so an
entry says how ours is named there. Options: `names` (of the input fields; "" leaves one out: `image`,
`duration`, `resolution`, `aspect_ratio`, `seed`, and, if named, `camera_fixed` and `portrait`), `resolutions`
(ours to the model's), `fields` (further input), `deployment` (`owner/name`, then the model is not sent),
`cancel_after` (such as "20m", when Replicate is to give up), `output` (which of several named outputs is the
video), `progress` (true if the model logs one bar of progress and no other), `per_predict_second` (the price
of the hardware in US dollars, for models that are billed by time).

`mark` names an input field that carries our key: Replicate passes over input that a model does not know, and
tells it again in its list, so that a submit whose reply was lost can be looked up. "" leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.providers import signatures
from jobs.providers.base import FailureCode
from jobs.providers.named import NamedInput, chosen
from jobs.providers.remote import (
    LONGEST_DETAIL,
    Capabilities,
    Cost,
    Further,
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
    field,
    micros,
    moment,
    not_made,
    refusal,
    text,
    words,
    working,
)

NAMES = {
    "image": "image",
    "duration": "duration",
    "resolution": "resolution",
    "aspect_ratio": "aspect_ratio",
    "seed": "seed",
}
RESOLUTIONS = {"sd_480p": "480p", "hd_720p": "720p", "hd_1080p": "1080p", "4k_2160p": "4k"}
MARK = "client_reference"
WAITING = {"starting": "Waiting for a machine of the provider"}
BEGUN = frozenset({"processing"})
VERSION = re.compile(r"(?:[^/:]+/[^/:]+:)?([0-9a-f]{64})")
BAR = re.compile(r"^\s*(\d+)%\s*\|", re.MULTILINE)  # of tqdm, as their own client reads it
# Each prediction is told with its input, of which pictures are a part, and the list has a hundred of them. It
# is not kept, and has to come within the time of an answer: this is far above what can.
ECHO = 1024**3  # bytes
RESETS = re.compile(r"resets in ~(\d+)s")
FLAGGED = re.compile(r"\bE005\b")


class Replicate(NamedInput):
    """Speaks to the predictions of Replicate."""

    capabilities = Capabilities(seed=True, cancel=True, find=True, webhook=Webhook.SECRET)
    names = NAMES
    words = RESOLUTIONS

    def submit(self, order: Order) -> Request:
        options = self.route.options
        named = self.input(order, duration=order.duration_seconds)
        body: dict[str, Any] = {"input": {"prompt": order.prompt, **named, **options.get("fields", {})}}
        if mark := self._mark():
            body["input"][mark] = str(order.key)
        if address := self.route.callback(order.key):
            body |= {"webhook": address, "webhook_events_filter": ["completed"]}
        headers = self._headers()
        if after := options.get("cancel_after"):
            headers["Cancel-After"] = after
        path = f"models/{self.route.model}/predictions"
        if deployment := options.get("deployment"):
            path = f"deployments/{deployment}/predictions"
        elif version := VERSION.fullmatch(self.route.model):
            path = "predictions"
            body["version"] = version[1]
        return Request(method="POST", url=self.url(path), headers=headers, json=body, echo=ECHO)

    def taken(self, reply: Reply) -> Taken:
        return _taken(reply.body)

    def refused(self, reply: Reply) -> Refused:
        why = refusal(reply)
        if why.again and why.pause is None and (resets := RESETS.search(words(reply))):
            why.pause = float(resets[1])
        return why

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=text(handle.urls, "get"), headers=self._headers(), echo=ECHO)

    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        body, status = reply.body, text(reply.body, "status")
        if status == "succeeded":
            return self._made(body)
        if status == "failed":
            error = str(body.get("error") or "")
            return not_made("content_policy" if FLAGGED.search(error) else "", error, cost=self._cost(body))
        if status == "canceled":
            is_late = bool(body.get("deadline"))
            code = FailureCode.PROVIDER_TIMEOUT if is_late else FailureCode.PROVIDER_UNAVAILABLE
            return NotMade(code=code, detail="canceled", cost=self._cost(body), is_cancelled=True)
        if status == "aborted":  # it was cancelled, or its deadline came, before it was begun; not billed
            code, free = FailureCode.PROVIDER_TIMEOUT, Cost(micros=0)
            return NotMade(code=code, detail="aborted", cost=free, is_cancelled=True)
        share = _share(body.get("logs")) if self.route.options.get("progress") else None
        return working(status, reply, waiting=WAITING, begun=BEGUN, share=share)

    def find(self, handle: Handle) -> Request | None:
        if not self._mark():
            return None  # equal input of two jobs could not be told apart
        return Request(method="GET", url=self.url("predictions"), headers=self._headers(), echo=ECHO)

    def found(self, handle: Handle, reply: Reply) -> Taken | Further | None:
        known = _listed(reply.body)
        for prediction in known:
            sent = prediction.get("input") if isinstance(prediction, Mapping) else None
            if isinstance(sent, Mapping) and sent.get(self._mark()) == str(handle.key):
                return _taken(prediction)
        following = reply.body.get("next")
        if not known or not isinstance(following, str) or not following:
            return None
        request = Request(method="GET", url=following, headers=self._headers(), echo=ECHO)
        return Further(request=request, oldest=moment(known[-1], "created_at"))

    def cancel(self, handle: Handle) -> Request | None:
        url = handle.urls.get("cancel")
        return Request(method="POST", url=url, headers=self._headers(), echo=ECHO) if url else None

    def is_genuine(self, notice: Notice, keys: Sequence[str]) -> bool:
        return signatures.standard(notice, keys)

    def _made(self, body: Mapping[str, Any]) -> Outcome:
        output = chosen(body.get("output"), self.route.options.get("output", "video"))
        if output and output.startswith(("https://", "http://")):
            # their reference has the key sent along; it goes to the hosts that the entry names
            return Made(
                video=Request(method="GET", url=output, headers=self._headers()), cost=self._cost(body)
            )
        reason = "its data was removed" if body.get("data_removed") else str(body.get("output"))
        detail = f"It succeeded without a video: {reason}"[:LONGEST_DETAIL]
        return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail=detail, cost=self._cost(body))

    def _cost(self, body: Mapping[str, Any]) -> Cost | None:
        """Return the time on their hardware by its price; what is billed by output is told nowhere."""
        price = self.route.options.get("per_predict_second")
        metrics = body.get("metrics")
        seconds = metrics.get("predict_time") if isinstance(metrics, Mapping) else None
        if not price or not isinstance(seconds, int | float):
            return None
        amount = micros(price * seconds)
        return None if amount is None else Cost(micros=amount)

    def _mark(self) -> str:
        return str(self.route.options.get("mark", MARK) or "")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.route.key}"}


def _listed(body: Any) -> list[Any]:
    found = body.get("results") if isinstance(body, Mapping) else None
    if not isinstance(found, list):
        raise Unreadable("The list has no 'results'.")
    return found


def _taken(prediction: Any) -> Taken:
    urls = field(prediction, "urls")
    given = {"get": text(urls, "get")}
    if isinstance(cancel := urls.get("cancel"), str):
        given["cancel"] = cancel
    return Taken(remote_id=text(prediction, "id"), urls=given)


def _share(logs: Any) -> float | None:
    found = BAR.findall(logs.replace("\r", "\n")) if isinstance(logs, str) else []
    return min(int(found[-1]), 100) / 100 if found else None
