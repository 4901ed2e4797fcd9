"""OpenRouter's `/api/v1/videos`, by the schemas of its OpenAPI document."""

import base64
import datetime
import re
from typing import Any

import jsonschema

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

TEXT = {"type": "string"}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has no other fields."""
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


URL = closed(["url"], url=TEXT)
IMAGE = {"type": {"const": "image_url"}, "image_url": URL}
REQUEST = closed(
    ["prompt", "model"],
    model=TEXT,
    prompt={"type": "string", "minLength": 1},
    duration={"type": "integer", "minimum": 1},
    resolution={"enum": ["480p", "720p", "1080p", "1K", "2K", "4K"]},
    aspect_ratio={"enum": ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21"]},
    size={"type": "string", "pattern": r"^\d+x\d+$"},
    seed={"type": "integer"},
    generate_audio={"type": "boolean"},
    callback_url={"type": "string", "pattern": "^https://"},
    frame_images={
        "type": "array",
        "items": closed(
            ["type", "image_url", "frame_type"],
            **IMAGE,
            frame_type={"enum": ["first_frame", "last_frame"]},
        ),
    },
    input_references={"type": "array", "items": closed(["type", "image_url"], **IMAGE)},
    provider=closed([], options={"type": "object"}),
)
RESPONSE = closed(
    ["id", "polling_url", "status"],
    id=TEXT,
    polling_url=TEXT,
    status={"enum": ["pending", "in_progress", "completed", "failed", "cancelled", "expired"]},
    generation_id=TEXT,
    unsigned_urls={"type": "array", "items": TEXT},
    usage=closed([], cost={"type": ["number", "null"]}, is_byok={"type": "boolean"}),
    error=TEXT,
    expires_at={"type": "integer"},
)
ERROR = closed(
    ["error"],
    error=closed(["code", "message"], code={"type": "integer"}, message=TEXT, metadata={"type": "object"}),
    user_id={"type": ["string", "null"]},
    openrouter_metadata={"type": ["object", "null"]},
)
STATUS = {
    "queued": "pending",
    "running": "in_progress",
    "strange": "reviewing",
    "done": "completed",
    "empty": "completed",
    "failed": "failed",
    "flagged": "failed",
    "cancelled": "cancelled",
}
ERRORS = {
    "failed": "The provider returned an error",
    "flagged": "Content policy violation",
    "cancelled": "Job was cancelled",
}
COST_OF_A_SECOND = 0.05


class OpenRouterStandIn(StandIn):
    """`openrouter.ai/api/v1`."""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/api/v1"

    def routes(self):
        job = "/api/v1/videos/(?P<work_id>[^/]+)"
        return [
            ("POST", "/api/v1/videos", self.submit),
            ("GET", job, self.retrieve),
            ("GET", f"{job}/content", self.content),
        ]

    def refusal(self, status: int, code: str, message: str) -> Answer:
        error: dict[str, Any] = {"code": status, "message": message}
        if code == "moderation_blocked":
            status = error["code"] = 403
            error["metadata"] = {
                "reasons": ["violence"],
                "flagged_input": "A quiet sea",
                "provider_name": "A maker",
                "model_slug": "maker/model",
            }
        return Answer(status, {"error": error})

    def address(self, asked: Asked) -> str:
        return asked.json.get("callback_url", "")

    def webhook(self, work: Work) -> calls.Sent:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        kind = f"video.generation.{STATUS[work.stage]}"
        body = {"type": kind, "created_at": now, "data": self.shown(work)}
        return calls.openrouter(body, self.webhook_secret)

    def new_id(self) -> str:
        return super().new_id().replace("work_", "job-")

    def submit(self, asked: Asked) -> Answer:
        if "application/json" not in asked.headers.get("content-type", ""):
            return self.refusal(400, "", "The body is no JSON.")
        fields = asked.json
        flaws = [error.message for error in jsonschema.Draft202012Validator(REQUEST).iter_errors(fields)]
        if flaws:
            return self.refusal(400, "", f"Invalid request parameters: {flaws[0][:200]}")
        work = self.take(
            asked,
            prompt=fields["prompt"],
            seconds=float(fields.get("duration", 5)),
            image=first_frame(fields),
            fields=fields,
        )
        if isinstance(work, Answer):
            return work
        return Answer(202, {"id": work.id, "polling_url": f"/api/v1/videos/{work.id}", "status": "pending"})

    def retrieve(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def content(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None or work.stage != "done" or asked.query.get("index", "0") != "0":
            return self.refusal(404, "", "Resource not found")
        return self.file(work)

    def shown(self, work: Work) -> dict[str, Any]:
        stage = work.stage
        shown: dict[str, Any] = {
            "id": work.id,
            "polling_url": f"/api/v1/videos/{work.id}",
            "status": STATUS[stage],
        }
        if stage in ERRORS:
            shown["error"] = ERRORS[stage]
        if STATUS[stage] == "completed":
            place = f"{self.base_url}/videos/{work.id}/content?index=0"
            shown["generation_id"] = f"gen-{work.id}"
            shown["unsigned_urls"] = [] if stage == "empty" else [place]
            shown["usage"] = {"cost": work.seconds_of_video * COST_OF_A_SECOND, "is_byok": False}
        return shown


def first_frame(fields: dict[str, Any]) -> bytes | None:
    """Return the picture that the video begins with."""
    for frame in fields.get("frame_images", ()):
        found = re.fullmatch("data:image/jpeg;base64,(.+)", frame["image_url"]["url"])
        if found and frame["frame_type"] == "first_frame":
            return base64.b64decode(found[1], validate=True)
    return None
