"""Runway's API, as its reference and the types of its official client have it."""

import base64
import datetime
import uuid

from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

STATUS = {
    "queued": "THROTTLED",
    "running": "RUNNING",
    "strange": "REVIEWING",
    "done": "SUCCEEDED",
    "empty": "SUCCEEDED",
    "failed": "FAILED",
    "flagged": "FAILED",
    "cancelled": "CANCELLED",
}
FAILURES = {
    "failed": {"failureCode": "INTERNAL.BAD_OUTPUT.CODE01", "failure": "An unexpected error occurred."},
    "flagged": {"failureCode": "SAFETY.INPUT.TEXT", "failure": "Content moderation did not let it pass."},
}
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
CREDITS_A_SECOND = 12
MOST_BYTES = 5_000_000  # of a data URI
# by the model gen4.5
RATIOS = {
    "text_to_video": {"1280:720", "720:1280"},
    "image_to_video": {"1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672"},
}
FIELDS = {
    *("model", "promptText", "ratio", "duration", "seed"),
    *("contentModeration", "outputFormat", "proresProfile"),
}


class RunwayStandIn(StandIn):
    """`/v1/text_to_video`, `/v1/image_to_video` and `/v1/tasks`, for the model gen4.5."""

    @property
    def base_url(self) -> str:
        return self.origin

    def routes(self):
        return [
            ("POST", "/v1/(?P<kind>text_to_video|image_to_video)", self.create),
            ("GET", "/v1/tasks/(?P<work_id>[^/]+)", self.retrieve),
            ("DELETE", "/v1/tasks/(?P<work_id>[^/]+)", self.delete),
            ("GET", "/files/(?P<work_id>[^/]+)[.]mp4", self.output),
        ]

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def refusal(self, status: int, code: str, message: str) -> Answer:
        return Answer(status, {"error": message})

    def answer(self, asked: Asked) -> Answer:
        version = asked.headers.get("x-runway-version")
        if self.is_let_in(asked) and not asked.path.startswith("/files/") and version != "2024-11-06":
            return self.refusal(400, "version", "The X-Runway-Version header is missing or not known.")
        return super().answer(asked)

    def create(self, asked: Asked, kind: str) -> Answer:
        fields = asked.json
        issues = [{"code": "custom", "path": [name], "message": said} for name, said in _wrong(kind, fields)]
        if issues:
            body = {
                "error": "Validation of body failed",
                "issues": issues,
                "docUrl": "https://docs.dev.runwayml.com/api",
            }
            return Answer(400, body)
        taken = self.take(
            asked,
            prompt=fields["promptText"],
            seconds=float(fields["duration"]),
            image=_picture(fields.get("promptImage")),
            fields=fields,
        )
        if isinstance(taken, Answer):
            return taken
        return Answer(200, {"id": taken.id, "estimatedCost": {"credits": _credits(taken)}})

    def retrieve(self, asked: Asked, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def delete(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None:
            return self.refusal(404, "not_found", "Task not found.")
        if work.share < 1.0:
            work.is_cancelled = True
        else:
            del self.works[work_id]
        return Answer(204)

    def output(self, asked: Asked, work_id: str) -> Answer:
        if "authorization" in asked.headers or "_jwt" not in asked.query:
            return Answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
        return self.file(self.works[work_id])

    def shown(self, work: Work) -> dict:
        status = STATUS[work.stage]
        body = {"id": work.id, "status": status, "createdAt": _now()}
        if status in ENDED:
            is_charged = work.stage in {"done", "empty"}
            body["cost"] = {"credits": _credits(work) if is_charged else 0}
        else:
            body["estimatedCost"] = {"credits": _credits(work)}
        if status == "RUNNING":
            body["progress"] = work.share
        if status == "SUCCEEDED":
            url = f"{self.origin}/files/{work.id}.mp4?_jwt={work.polls}"
            body["output"] = [url] if work.stage == "done" else []
        return {**body, **FAILURES.get(work.stage, {})}


def _credits(work: Work) -> int:
    return int(work.seconds_of_video) * CREDITS_A_SECOND


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")


def _wrong(kind: str, fields: dict):
    """Yield (field, what is wrong with it)."""
    text, seed = fields.get("promptText"), fields.get("seed", 0)
    if fields.get("model") != "gen4.5":
        yield "model", "Invalid discriminator value."
    if not isinstance(text, str) or not 0 < len(text.encode("utf-16-le")) // 2 <= 1000:
        yield "promptText", "Expected 1 to 1000 characters."
    if fields.get("ratio") not in RATIOS[kind]:
        yield "ratio", "Invalid enum value."
    if type(fields.get("duration")) is not int or not 2 <= fields["duration"] <= 10:
        yield "duration", "Expected an integer from 2 to 10."
    if type(seed) is not int or not 0 <= seed < 2**32:
        yield "seed", "Expected an integer from 0 to 4294967295."
    if kind == "image_to_video" and not _is_picture(fields.get("promptImage")):
        yield "promptImage", "Invalid data URI or URL."
    if len(str(fields.get("promptImage", ""))) > MOST_BYTES:
        yield "promptImage", "The asset exceeds the maximum size of 5 MB."
    for name in set(fields) - FIELDS - ({"promptImage"} if kind == "image_to_video" else set()):
        yield name, "Unrecognized key."


def _picture(value) -> bytes | None:
    """Return what a data URI holds; other addresses are not followed."""
    is_inline = isinstance(value, str) and value.startswith("data:image/")
    return base64.b64decode(value.partition(",")[2], validate=True) if is_inline else None


def _is_picture(value) -> bool:
    if isinstance(value, list):
        return len(value) == 1 and value[0].get("position") == "first" and _is_picture(value[0].get("uri"))
    return isinstance(value, str) and value.startswith(("https://", "runway://", "data:image/"))
