"""Luma's Dream Machine API, as its reference and the types of its official client have it."""

import datetime
import json
import time
import uuid

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

STATES = {
    "queued": "queued",
    "running": "dreaming",
    "strange": "waking",
    "done": "completed",
    "empty": "completed",
    "failed": "failed",
    "flagged": "failed",
}
REASONS = {"failed": "Job failed", "flagged": "Advanced prompt moderation failed"}
MODELS = {"ray-2", "ray-flash-2"}
RATIOS = {"1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"}
FIELDS = {
    *("model", "prompt", "aspect_ratio", "callback_url", "concepts", "duration", "generation_type"),
    *("keyframes", "loop", "resolution"),
}
PATH = "/dream-machine/v1/generations"


class LumaStandIn(StandIn):
    """`/generations`, its list and its files. Its webhooks carry no signature."""

    calls_when = ("begins", "ends")
    page = 100

    @property
    def base_url(self) -> str:
        return f"{self.origin}/dream-machine/v1"

    def routes(self):
        return [
            ("POST", f"{PATH}/video", self.create),
            ("GET", PATH, self.listed),
            ("GET", f"{PATH}/(?P<work_id>[^/]+)", self.retrieve),
            ("DELETE", f"{PATH}/(?P<work_id>[^/]+)", self.delete),
            ("GET", "/files/(?P<work_id>[^/]+)[.]mp4", self.asset),
        ]

    def address(self, asked: Asked) -> str:
        return asked.json.get("callback_url", "")

    def webhook(self, work: Work) -> calls.Sent:
        return {}, json.dumps(self.shown(work)).encode()

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def refusal(self, status: int, code: str, message: str) -> Answer:
        return Answer(status, {"detail": message})

    def create(self, asked: Asked) -> Answer:
        fields = asked.json
        if wrong := next(_wrong(fields), None):
            return self.refusal(400, "invalid", wrong)
        taken = self.take(
            asked,
            prompt=fields["prompt"],
            seconds=float(fields.get("duration", "5s").removesuffix("s")),
            image=None,
            fields=fields,
        )
        return taken if isinstance(taken, Answer) else Answer(201, self.shown(taken))

    def retrieve(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def listed(self, asked: Asked) -> Answer:
        limit, offset = min(int(asked.query.get("limit", 100)), self.page), int(asked.query.get("offset", 0))
        newest_first = list(reversed(self.works.values()))
        shown = newest_first[offset : offset + limit]
        body = {
            "generations": [self.shown(work) for work in shown],
            "count": len(shown),
            "limit": limit,
            "offset": offset,
            "has_more": offset + limit < len(newest_first),
        }
        return Answer(200, body)

    def delete(self, asked: Asked, work_id: str) -> Answer:
        if self.works.pop(work_id, None) is None:
            return self.refusal(404, "not_found", "Generation not found")
        return Answer(204)

    def asset(self, asked: Asked, work_id: str) -> Answer:
        if "authorization" in asked.headers:
            return Answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
        return self.file(self.works[work_id])

    def shown(self, work: Work) -> dict:
        created = datetime.datetime.now(datetime.UTC)
        created -= datetime.timedelta(seconds=time.monotonic() - work.since)
        assets = {"video": f"{self.origin}/files/{work.id}.mp4"} if work.stage == "done" else None
        return {
            "id": work.id,
            "generation_type": "video",
            "state": STATES[work.stage],
            "failure_reason": REASONS.get(work.stage),
            "created_at": created.isoformat().replace("+00:00", "Z"),
            "assets": assets,
            "model": work.asked["model"],
            "request": {"generation_type": "video", **work.asked},
        }


def _wrong(fields: dict):
    """Yield what is wrong, in the words of the reference where it has some."""
    prompt = fields.get("prompt")
    if fields.get("model") not in MODELS:
        yield "Invalid model"
    if not prompt:
        yield "Prompt is required"
    elif len(prompt) < 3:
        yield "Prompt is too short, minimum length is 3 characters"
    elif len(prompt) > 5000:
        yield "Prompt is too long, maximum length is 5000 characters"
    if fields.get("aspect_ratio", "16:9") not in RATIOS:
        yield "Invalid aspect ratio"
    if fields.get("resolution", "720p") not in {"540p", "720p", "1080p", "4k"}:
        yield "Invalid resolution"
    if fields.get("duration", "5s") not in {"5s", "9s"}:
        yield "Invalid duration"
    if not fields.get("callback_url", "https://").startswith("https://"):
        yield "Invalid callback URL"
    for name in set(fields) - FIELDS:
        yield f"Unknown field {name}"
