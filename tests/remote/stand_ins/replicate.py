"""Replicate's predictions, with a few models, as its reference and its clients have them."""

import base64
import datetime
import re
import time
import uuid
from typing import Any

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

MODEL = "bytedance/seedance-1-pro"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
DEPLOYMENT = "acme/seas"
KEPT = 3600.0  # seconds: then input, output and logs are removed
STATUS = {
    "queued": "starting",
    "running": "processing",
    "strange": "warming",
    "done": "succeeded",
    "empty": "succeeded",
    "failed": "failed",
    "flagged": "failed",
    "cancelled": "canceled",
}
ERRORS = {
    "failed": "Prediction interrupted; please retry (code: PA)",
    "flagged": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
}
TITLES = {401: "Unauthenticated", 404: "Not found", 422: "Input validation failed", 500: "Server error"}
# What the model takes; Replicate passes over any other input.
INPUT = {"prompt": str, "image": str, "duration": int, "resolution": str, "aspect_ratio": str, "seed": int}
CHOICES = {
    "resolution": {"480p", "720p", "1080p"},
    "aspect_ratio": {"16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21"},
    "duration": set(range(2, 13)),
}
BODY = {"input", "version", "webhook", "webhook_events_filter", "stream"}
PERIOD = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


class ReplicateStandIn(StandIn):
    """`api.replicate.com/v1`."""

    page = 100

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def routes(self):
        one = "/v1/predictions/(?P<work_id>[^/]+)"
        return [
            ("POST", "/v1/predictions", self.by_version),
            ("POST", "/v1/models/(?P<name>[^/]+/[^/]+)/predictions", self.by_model),
            ("POST", "/v1/deployments/(?P<name>[^/]+/[^/]+)/predictions", self.by_deployment),
            ("GET", "/v1/predictions", self.listed),
            ("GET", one, self.retrieve),
            ("POST", f"{one}/cancel", self.cancel),
            ("GET", "/files/(?P<work_id>[^/]+)/output.mp4", self.content),
        ]

    def refusal(self, status: int, code: str, message: str) -> Answer:
        if status == 400:
            status = 422  # which is its answer to input that won't do
        if status == 401:
            message = "You did not pass a valid authentication token"
        if status == 429:
            return Answer(429, {"detail": "Request was throttled. Your rate limit resets in ~1s."})
        return Answer(status, {"title": TITLES.get(status, "Error"), "detail": message, "status": status})

    def address(self, asked: Asked) -> str:
        return asked.json.get("webhook", "")

    def webhook(self, work: Work) -> calls.Sent:
        return calls.standard(self.shown(work), self.webhook_secret)

    def new_id(self) -> str:
        return base64.b32encode(uuid.uuid4().bytes).decode().lower().rstrip("=")

    def by_version(self, asked: Asked) -> Answer:
        version = asked.json.get("version")
        if version not in {VERSION, f"{MODEL}:{VERSION}", MODEL}:
            detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
            body = {"title": "Invalid version or not permitted", "detail": detail, "status": 422}
            return Answer(422, body)
        return self.create(asked, {})

    def by_model(self, asked: Asked, name: str) -> Answer:
        if name != MODEL:
            return self.refusal(404, "", "The requested resource could not be found.")
        return self.create(asked, {})

    def by_deployment(self, asked: Asked, name: str) -> Answer:
        if name != DEPLOYMENT:
            return self.refusal(404, "", "The requested resource could not be found.")
        return self.create(asked, {"deployment": name})

    def create(self, asked: Asked, more: dict[str, Any]) -> Answer:
        given = asked.json
        if unknown := sorted(set(given) - BODY):
            return _invalid("", f"Additional property {unknown[0]} is not allowed")
        if wrong := _wrong_webhook(given):
            return _invalid(*wrong)
        given = given.get("input")
        if not isinstance(given, dict):
            return _invalid("input", "input is required")
        if wrong := _wrong(given):
            return _invalid(*wrong)
        deadline = _seconds(asked.headers.get("cancel-after"))
        taken = self.take(
            asked,
            prompt=given["prompt"],
            seconds=float(given.get("duration", 5)),
            image=_picture(given.get("image")),
            fields={"input": given, "deadline": deadline, **more},
        )
        return taken if isinstance(taken, Answer) else Answer(201, self.shown(taken))

    def retrieve(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def listed(self, asked: Asked) -> Answer:
        newest = list(reversed(self.works.values()))
        start = int(asked.query.get("cursor", 0))
        page = newest[start : start + self.page]
        more = start + self.page < len(newest)
        following = f"{self.base_url}/predictions?cursor={start + self.page}" if more else None
        shown = [self.shown(work) for work in page]
        return Answer(200, {"next": following, "previous": None, "results": shown})

    def cancel(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None:
            return self.refusal(404, "", "The requested resource could not be found.")
        if work.share < 1.0:
            work.is_cancelled = True
        return Answer(200, self.shown(work))

    def content(self, asked: Asked, work_id: str) -> Answer:
        return self.file(self.works[work_id])

    def shown(self, work: Work) -> dict:
        age = time.monotonic() - work.since
        status, created = _status(work, age), datetime.datetime.now(datetime.UTC)
        created -= datetime.timedelta(seconds=age)
        has_ended = status not in {"starting", "processing", "warming"}
        is_removed = has_ended and age > work.takes + KEPT
        url = f"{self.base_url}/predictions/{work.id}"
        deadline = work.asked["deadline"]
        shown = {
            "id": work.id,
            "model": MODEL,
            "version": "hidden",
            "input": {} if is_removed else work.asked["input"],
            "output": None,
            "logs": "" if is_removed else _logs(work),
            "error": ERRORS.get(work.stage) if status == "failed" else None,
            "status": status,
            "source": "api",
            "data_removed": is_removed,
            "created_at": _stamp(created),
            "urls": {
                "get": url,
                "cancel": f"{url}/cancel",
                "web": f"https://replicate.com/p/{work.id}",
            },
        }
        if "deployment" in work.asked:
            shown["deployment"] = work.asked["deployment"]
        if deadline is not None:
            shown["deadline"] = _stamp(created + datetime.timedelta(seconds=deadline))
        if work.stage == "done" and status == "succeeded" and not is_removed:
            shown["output"] = f"{self.origin}/files/{work.id}/output.mp4"
        if has_ended:
            shown["started_at"] = _stamp(created)
            shown["completed_at"] = _stamp(created + datetime.timedelta(seconds=work.takes))
            shown["metrics"] = {"predict_time": work.takes, "total_time": work.takes}
        return shown


def _status(work: Work, age: float) -> str:
    """A deadline that comes before the work has begun aborts it, and cancels it after."""
    deadline = work.asked["deadline"]
    if deadline is not None and age > deadline and deadline < work.takes and not work.is_cancelled:
        return "aborted" if deadline < 0.3 * work.takes else "canceled"
    return STATUS[work.stage]


def _logs(work: Work) -> str:
    done = int(work.share * 20)
    return f"Using seed: 7\n{done * 5:3d}%|{'#' * done:20}| {done}/20 [00:03<00:03, 2.1it/s]\n"


def _wrong(given: dict[str, Any]) -> tuple[str, str] | None:
    """Return which input won't do and why, None if all will."""
    if not given.get("prompt"):
        return "input", "prompt is required"
    for name, kind in INPUT.items():
        if name in given and type(given[name]) is not kind:
            wanted = {str: "string", int: "integer"}[kind]
            return f"input.{name}", f"Invalid type. Expected: {wanted}, given: {type(given[name]).__name__}"
        if name in given and given[name] not in CHOICES.get(name, {given[name]}):
            return f"input.{name}", f"{name} must be one of {sorted(CHOICES[name])}"
    return None


def _wrong_webhook(given: dict[str, Any]) -> tuple[str, str] | None:
    if not given.get("webhook", "https://").startswith("https://"):
        return "webhook", "Webhook URLs must be HTTPS"
    if not set(given.get("webhook_events_filter", ())) <= {"start", "output", "logs", "completed"}:
        return "webhook_events_filter", "Unknown event"
    return None


def _invalid(place: str, why: str) -> Answer:
    fields = [{"type": "invalid", "field": place, "description": why}]
    detail = f"- {place}: {why}\n" if place else f"- {why}\n"
    title = "Input validation failed"
    return Answer(422, {"title": title, "detail": detail, "status": 422, "invalid_fields": fields})


def _seconds(period: str | None) -> int | None:
    found = PERIOD.fullmatch(period or "")
    if not period or not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _picture(address: str | None) -> bytes | None:
    if address is None or not address.startswith("data:"):
        return None
    return base64.b64decode(address.partition(",")[2])


def _stamp(moment: datetime.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
