"""fal's queue and one model of its own behind it, as its API reference and its client have them."""

import base64
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

APP = "fal-ai/bytedance"
TEXT = f"{APP}/seedance/v1/lite/text-to-video"
IMAGE = f"{APP}/seedance/v1/lite/image-to-video"
STATUS = {"queued": "IN_QUEUE", "running": "IN_PROGRESS", "strange": "REROUTING"}
# How the queue names its own troubles.
CODES = {
    "invalid_value": "bad_request",
    "rate_limit_exceeded": "concurrent_requests_limit",
    "server_error": "internal_error",
    "not_found": "not_found",
}
RUNNER = ("runner_disconnected", "Runner disconnected", 503)
CANCELLED = ("client_cancelled", "Request was cancelled", 499)
DOCS = "https://docs.fal.ai/errors#"
FLAGGED = {
    "loc": ["body", "prompt"],
    "msg": "The content could not be processed because it contained material flagged by a content checker.",
    "type": "content_policy_violation",
    "url": f"{DOCS}content_policy_violation",
}
CHOICES = {
    "aspect_ratio": {"21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "9:21"},
    "resolution": {"480p", "720p", "1080p"},
    "duration": {str(seconds) for seconds in range(2, 13)},
}
TYPES = {"prompt": str, "image_url": str, "seed": int, "camera_fixed": bool}


class FalStandIn(StandIn):
    """`queue.fal.run`. With `tells_errors` off a status keeps silent about a failure, as it used to."""

    tells_errors = True

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.signs_with = Ed25519PrivateKey.generate()
        self.publishes = [self.signs_with]

    @property
    def base_url(self) -> str:
        return self.origin

    def routes(self):
        request = f"/{APP}/requests/(?P<work_id>[^/]+)"
        return [
            ("POST", f"/(?P<model>{TEXT}|{IMAGE})", self.submit),
            ("GET", f"{request}/status", self.status),
            ("GET", f"{request}", self.result),
            ("PUT", f"{request}/cancel", self.cancel),
            ("GET", "/.well-known/jwks.json", self.key_set),
            ("GET", "/files/(?P<work_id>[^/]+)/output.mp4", self.content),
            *((method, ".*", self.nowhere) for method in ("GET", "POST", "PUT")),
        ]

    def refusal(self, status: int, code: str, message: str) -> Answer:
        if status == 401:
            return Answer(401, {"detail": "invalid key credentials"})
        code = CODES.get(code, code)
        return Answer(status, {"detail": message, "error_type": code}, {"x-fal-error-type": code})

    def is_let_in(self, asked: Asked) -> bool:
        is_public = asked.path.startswith("/.well-known/")
        return is_public or asked.headers.get("authorization") == f"Key {self.key}"

    def key_set(self, asked: Asked) -> Answer:
        return Answer(200, {"keys": [calls.jwk(key) for key in self.publishes]})

    def address(self, asked: Asked) -> str:
        return asked.query.get("fal_webhook", "")

    def webhook(self, work: Work) -> calls.Sent:
        failed = self.failed(work)
        body = {"request_id": work.id, "gateway_request_id": work.id, "status": "ERROR" if failed else "OK"}
        body |= {"error": failed[1] if failed else None, "payload": None}
        return calls.fal(body, self.signs_with)

    def nowhere(self, asked: Asked) -> Answer:
        return Answer(404, {"detail": "Path not found"})

    def submit(self, asked: Asked, model: str) -> Answer:
        fields = asked.json if "json" in asked.headers.get("content-type", "") else None
        if not isinstance(fields, dict):
            return self.refusal(400, "bad_request", "The body is no JSON object.")
        work = self.take(
            asked,
            prompt=str(fields.get("prompt", "")),
            seconds=float(fields["duration"]) if fields.get("duration") in CHOICES["duration"] else 5.0,
            image=_picture(fields.get("image_url")),
            fields={**fields, "": model},
        )
        if isinstance(work, Answer):
            return work
        return Answer(200, {"status": "IN_QUEUE", "queue_position": 0, **self.addresses(work)})

    def status(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        if isinstance(work, Answer):
            return work
        logs = [] if asked.query.get("logs") in {"1", "true"} else None
        if work.stage in STATUS:
            more = {"queue_position": 0} if work.stage == "queued" else {"logs": logs}
            return Answer(202, {"status": STATUS[work.stage], **self.addresses(work), **more})
        body = {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": self.takes}}
        if self.tells_errors and (failed := self.failed(work)):
            code, message, _ = failed
            body |= {"error": message, "error_type": code}
        return Answer(200, {**body, **self.addresses(work)})

    def result(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None:
            return self.refusal(404, "not_found", "Request not found")
        if work.stage in STATUS:
            return self.refusal(400, "bad_request", "Request is still in progress")
        if errors := self.errors(work):
            return Answer(422, {"detail": errors}, {"x-fal-retryable": "false"})
        if failed := self.failed(work):
            code, message, status = failed
            return self.refusal(status, code, message)
        file = {"url": f"{self.origin}/files/{work.id}/output.mp4", "content_type": "video/mp4"}
        return Answer(200, {"video": None if work.stage == "empty" else file, "seed": work.asked.get("seed")})

    def cancel(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None:
            return Answer(404, {"status": "NOT_FOUND"})
        if work.share >= 1.0 or work.is_cancelled:
            return Answer(400, {"status": "ALREADY_COMPLETED"})
        work.is_cancelled = True
        return Answer(202, {"status": "CANCELLATION_REQUESTED"})

    def content(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        return self.file(work) if work else Answer(404, b"")

    def addresses(self, work: Work) -> dict[str, str]:
        root = f"{self.origin}/{APP}/requests/{work.id}"
        return {
            "request_id": work.id,
            "response_url": root,
            "status_url": f"{root}/status",
            "cancel_url": f"{root}/cancel",
        }

    def failed(self, work: Work) -> tuple[str, str, int] | None:
        """Return the code, the words and the HTTP status of a failure."""
        if work.is_cancelled:
            return CANCELLED
        if errors := self.errors(work):
            return errors[0]["type"], errors[0]["msg"], 422
        return RUNNER if work.stage == "failed" else None

    def errors(self, work: Work) -> list[dict[str, Any]]:
        """Return what the model has against its input: it looks at it when it runs, not before."""
        if work.stage == "flagged":
            return [{**FLAGGED, "input": work.prompt}]
        return invalid(work.asked)


def invalid(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the errors in a model's input; fields it does not know are passed over."""
    needed = ["prompt", "image_url"] if fields[""] == IMAGE else ["prompt"]
    missing = [_flaw(name, "missing", "Field required") for name in needed if not fields.get(name)]
    given = {name: value for name, value in fields.items() if name}
    types = [
        _flaw(name, f"{kind.__name__}_type", "Input should be of another type")
        for name, kind in TYPES.items()
        if name in given and type(given[name]) is not kind
    ]
    choices = [
        _flaw(name, "one_of", f"Input should be one of {sorted(able)}")
        for name, able in CHOICES.items()
        if name in given and given[name] not in able
    ]
    return missing + types + choices


def _flaw(name: str, kind: str, message: str) -> dict[str, Any]:
    return {"loc": ["body", name], "msg": message, "type": kind, "url": f"{DOCS}{kind}"}


def _picture(url: Any) -> bytes | None:
    found = re.fullmatch("data:image/jpeg;base64,(.+)", url) if isinstance(url, str) else None
    return base64.b64decode(found[1], validate=True) if found else None


class SilentFalStandIn(FalStandIn):
    """Whose status says nothing of a failure: only the result does."""

    tells_errors = False
