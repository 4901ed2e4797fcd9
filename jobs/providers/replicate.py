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

import base64
import re
from collections.abc import Mapping
from typing import Any

from jobs.providers.base import FailureCode
from jobs.providers.remote import (
    LONGEST_DETAIL,
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
    Working,
    field,
    micros,
    not_made,
    pause,
    refusal,
    text,
    words,
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
STEPS = {"starting": "Waiting for a machine of the provider"}
VERSION = re.compile(r"(?:[^/:]+/[^/:]+:)?([0-9a-f]{64})")
BAR = re.compile(r"^\s*(\d+)%\s*\|", re.MULTILINE)  # of tqdm, as their own client reads it
RESETS = re.compile(r"resets in ~(\d+)s")
FLAGGED = re.compile(r"\bE005\b")


class Replicate(RemoteProvider):
    """Speaks to the predictions of Replicate."""

    capabilities = Capabilities(seed=True, cancel=True, find=True)

    def submit(self, order: Order) -> Request:
        options = self.route.options
        names = {**NAMES, **options.get("names", {})}
        given = {
            "image": _data(order.image),
            "portrait": _data(order.portrait),
            "duration": order.duration_seconds,
            "resolution": options.get("resolutions", RESOLUTIONS).get(order.resolution),
            # a first frame has its own shape
            "aspect_ratio": None if order.image else order.aspect_ratio,
            "seed": order.seed,
            "camera_fixed": order.camera_fixed,
        }
        taken = {names[name]: value for name, value in given.items() if names.get(name) and value is not None}
        body: dict[str, Any] = {"input": {"prompt": order.prompt, **taken, **options.get("fields", {})}}
        if mark := self._mark():
            body["input"][mark] = str(order.key)
        headers = self._headers()
        if after := options.get("cancel_after"):
            headers["Cancel-After"] = after
        path = f"models/{self.route.model}/predictions"
        if deployment := options.get("deployment"):
            path = f"deployments/{deployment}/predictions"
        elif version := VERSION.fullmatch(self.route.model):
            path = "predictions"
            body["version"] = version[1]
        return Request(method="POST", url=self.url(path), headers=headers, json=body)

    def taken(self, reply: Reply) -> Taken:
        return _taken(reply.body)

    def refused(self, reply: Reply) -> Refused:
        why = refusal(reply)
        if why.again and why.pause is None and (resets := RESETS.search(words(reply))):
            why.pause = float(resets[1])
        return why

    def poll(self, handle: Handle) -> Request:
        return Request(method="GET", url=text(handle.urls, "get"), headers=self._headers())

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
            return NotMade(code=code, detail="canceled", cost=self._cost(body))
        if status == "aborted":  # its deadline came before it was begun; that is not billed
            return NotMade(code=FailureCode.PROVIDER_TIMEOUT, detail="aborted", cost=Cost(micros=0))
        share = _share(body.get("logs")) if self.route.options.get("progress") else None
        return Working(share=share, step=STEPS.get(status, ""), poll_after=pause(reply))

    def find(self, handle: Handle) -> Request | None:
        if not self._mark():
            return None  # equal input of two jobs could not be told apart
        return Request(method="GET", url=self.url("predictions"), headers=self._headers())

    def found(self, handle: Handle, reply: Reply) -> Taken | None:
        known = field(reply.body, "results")  # the newest hundred
        for prediction in known if isinstance(known, list) else ():
            sent = prediction.get("input") if isinstance(prediction, Mapping) else None
            if isinstance(sent, Mapping) and sent.get(self._mark()) == str(handle.key):
                return _taken(prediction)
        return None

    def cancel(self, handle: Handle) -> Request | None:
        url = handle.urls.get("cancel")
        return Request(method="POST", url=url, headers=self._headers()) if url else None

    def _made(self, body: Mapping[str, Any]) -> Outcome:
        output = body.get("output")
        if isinstance(output, Mapping):
            output = output.get(self.route.options.get("output", "video"))
        if isinstance(output, list):
            output = next((item for item in output if isinstance(item, str)), None)
        if isinstance(output, str) and output.startswith(("https://", "http://")):
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


def _taken(prediction: Any) -> Taken:
    urls = field(prediction, "urls")
    given = {"get": text(urls, "get")}
    if isinstance(cancel := urls.get("cancel"), str):
        given["cancel"] = cancel
    return Taken(remote_id=text(prediction, "id"), urls=given)


def _data(picture: bytes | None) -> str | None:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" if picture else None


def _share(logs: Any) -> float | None:
    found = BAR.findall(logs.replace("\r", "\n")) if isinstance(logs, str) else []
    return min(int(found[-1]), 100) / 100 if found else None
