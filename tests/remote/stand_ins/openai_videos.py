"""The `/v1/videos` shape, as its reference and the servers that took it over have it."""

import time
import uuid

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "strange": "warming_up",
    "done": "completed",
    "empty": "completed",
    "failed": "failed",
    "flagged": "failed",
    "cancelled": "cancelled",
}
ERRORS = {
    "failed": {"code": "video_generation_failed", "message": "The model ran out of memory."},
    "flagged": {"code": "moderation_blocked", "message": "The result was blocked by our moderation system."},
}


class OpenAIStandIn(StandIn):
    """`/v1/videos`. All its webhooks go to the address that was `entered`."""

    entered = ""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def routes(self):
        return [
            ("POST", "/v1/videos", self.create),
            ("GET", "/v1/videos", self.listed),
            ("GET", "/v1/videos/(?P<work_id>[^/]+)", self.retrieve),
            ("DELETE", "/v1/videos/(?P<work_id>[^/]+)", self.delete),
            ("GET", "/v1/videos/(?P<work_id>[^/]+)/content", self.content),
            ("POST", "/v1/videos/(?P<work_id>[^/]+)/cancel", self.cancel),
        ]

    def address(self, asked: Asked) -> str:
        return self.entered

    def webhook(self, work: Work) -> calls.Sent:
        kind = "failed" if STATUS[work.stage] == "failed" else "completed"
        event = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "created_at": int(time.time())}
        event |= {"type": f"video.{kind}", "data": {"id": work.id}}
        return calls.standard(event, self.webhook_secret)

    def new_id(self) -> str:
        return super().new_id().replace("work_", "video_")

    def create(self, asked: Asked) -> Answer:
        fields = asked.form() if asked.is_form else asked.json
        if not fields.get("prompt"):
            return self.refusal(400, "missing_required_parameter", "Missing required parameter: 'prompt'.")
        taken = self.take(
            asked,
            prompt=fields["prompt"],
            seconds=float(fields.get("seconds", 4)),
            image=fields.get("input_reference"),
            fields=fields,
        )
        return taken if isinstance(taken, Answer) else Answer(200, self.shown(taken))

    def retrieve(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def listed(self, asked: Asked) -> Answer:
        works = list(self.works.values())
        if asked.query.get("order", "desc") == "desc":
            works.reverse()
        ids = [work.id for work in works]
        start = ids.index(asked.query["after"]) + 1 if asked.query.get("after") in ids else 0
        end = start + int(asked.query.get("limit", 20))
        data = [self.shown(work) for work in works[start:end]]
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        body = {"object": "list", "data": data, "first_id": first, "last_id": last}
        return Answer(200, {**body, "has_more": end < len(works)})

    def delete(self, asked: Asked, work_id: str) -> Answer:
        if self.works.pop(work_id, None) is None:
            return self.refusal(404, "not_found", "There is no such video.")
        return Answer(200, {"id": work_id, "object": "video.deleted", "deleted": True})

    def cancel(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None:
            return self.refusal(404, "not_found", "There is no such video.")
        if work.share >= 1.0:
            return self.refusal(409, "video_not_cancellable", "It has ended.")
        work.is_cancelled = True
        return Answer(200, self.shown(work))

    def content(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None or work.stage != "done":
            return self.refusal(404, "not_found", "There is no content for this video.")
        return self.file(work)

    def shown(self, work: Work) -> dict:
        created = int(time.time() - (time.monotonic() - work.since))
        ended = work.share >= 1.0
        return {
            "id": work.id,
            "object": "video",
            "model": work.asked.get("model", "sora-2"),
            "status": STATUS[work.stage],
            "progress": int(work.share * 100),
            "created_at": created,
            "completed_at": created + int(work.takes) if ended else None,
            "expires_at": created + 3600 if ended else None,
            "prompt": work.prompt,
            "seconds": str(work.asked.get("seconds", "4")),
            "size": work.asked.get("size", "720x1280"),
            "remixed_from_video_id": None,
            "error": ERRORS.get(work.stage),
        }
