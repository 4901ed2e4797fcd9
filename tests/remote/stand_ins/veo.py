"""Veo by the Gemini API, as its reference and the converters of its official client have it."""

import base64
import dataclasses
import uuid

from tests.remote.stand_ins.server import Answer, Asked
from tests.remote.stand_ins.works import StandIn, Work

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
INFO = "type.googleapis.com/google.rpc"
KIND = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
BLOCKED = (
    "The prompt could not be submitted. This prompt contains sensitive words that violate Google's "
    "Responsible AI practices. Try rephrasing the prompt."
)
FILTERED = "Sorry, we can't create videos from input of this kind. Please remove the reference and try again."
INSTANCE = {"prompt", "image", "video", "lastFrame", "referenceImages"}
PARAMETERS = {
    "aspectRatio": {"16:9", "9:16"},
    "resolution": {"720p", "1080p", "4k"},
    "personGeneration": {"allow_all", "allow_adult", "dont_allow"},
    "sampleCount": {1},
}
FREE = {"negativePrompt": str, "seed": int, "durationSeconds": int}
LENGTHS = {"veo-2": {5, 6, 7, 8}, "veo-3": {4, 6, 8}}


class VeoStandIn(StandIn):
    """`models/veo-*:predictLongRunning`, their operations and the files."""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1beta"

    def routes(self):
        model = "(?P<model>[^/:]+)"
        return [
            ("POST", f"/v1beta/models/{model}:predictLongRunning", self.create),
            ("GET", f"/v1beta/models/{model}/operations/(?P<work_id>[^/]+)", self.operation),
            ("GET", "/v1beta/files/(?P<work_id>[a-z0-9]+):download", self.download),
        ]

    def new_id(self) -> str:
        return uuid.uuid4().hex[:12]

    def is_let_in(self, asked: Asked) -> bool:
        return asked.headers.get("x-goog-api-key") == self.key

    def refusal(self, status: int, code: str, message: str) -> Answer:
        details = []
        if code == "invalid_api_key":
            status, message = 400, "API key not valid. Please pass a valid API key."
            details = [
                {"@type": f"{INFO}.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            ]
        elif code == "rate_limit_exceeded":
            details = [{"@type": f"{INFO}.RetryInfo", "retryDelay": "1s"}]
        elif code == "moderation_blocked":
            message = BLOCKED
        error = {"code": status, "message": message, "status": STATUSES[status]}
        return Answer(status, {"error": {**error, **({"details": details} if details else {})}})

    def create(self, asked: Asked, model: str) -> Answer:
        if model[:5] not in LENGTHS:
            said = f"models/{model} is not found for API version v1beta."
            return self.refusal(404, "not_found", said)
        if wrong := next(_wrong(model, asked.json), None):
            return self.refusal(400, "invalid", wrong)
        instance, parameters = asked.json["instances"][0], asked.json.get("parameters", {})
        image = instance.get("image")
        taken = self.take(
            asked,
            prompt=instance["prompt"],
            seconds=float(parameters.get("durationSeconds", 8)),
            image=base64.b64decode(image["bytesBase64Encoded"], validate=True) if image else None,
            fields={"model": model, **instance, **parameters},
        )
        if isinstance(taken, Answer):
            return dataclasses.replace(taken, headers={})  # it says how long to wait in the body only
        return Answer(200, {"name": _name(taken)})

    def operation(self, asked: Asked, model: str, work_id: str) -> Answer:
        work = self.polled(work_id)
        return work if isinstance(work, Answer) else Answer(200, self.shown(work))

    def download(self, asked: Asked, work_id: str) -> Answer:
        work = self.works.get(work_id)
        if work is None or work.stage != "done" or asked.query.get("alt") != "media":
            said = "You do not have permission to access the file or it may not exist."
            return self.refusal(403, "denied", said)
        return self.file(work)

    def shown(self, work: Work) -> dict:
        stage, head = work.stage, {"name": _name(work)}
        if stage in {"queued", "running"}:
            return head
        if stage == "failed":
            return {**head, "done": True, "error": {"code": 13, "message": "Internal error. Try again."}}
        answer = {}
        if stage == "flagged":
            answer = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED]}
        elif stage == "done":
            url = f"{self.base_url}/files/{work.id}:download?alt=media"
            answer = {"generatedSamples": [{"video": {"uri": url}}]}
        return {**head, "done": True, "response": {"@type": KIND, "generateVideoResponse": answer}}


def _name(work: Work) -> str:
    return f"models/{work.asked['model']}/operations/{work.id}"


def _wrong(model: str, body: dict):
    """Yield what is wrong with a submit."""
    instances, parameters = body.get("instances"), body.get("parameters", {})
    if set(body) - {"instances", "parameters"} or not isinstance(instances, list) or len(instances) != 1:
        yield "Invalid JSON payload received."
        return
    if not isinstance(instances[0].get("prompt"), str) or not instances[0]["prompt"]:
        yield "Prompt is required."
    if set(instances[0].get("image", {"bytesBase64Encoded", "mimeType"})) != {
        "bytesBase64Encoded",
        "mimeType",
    }:
        yield "Input instance with `image` should contain both `bytesBase64Encoded` and `mimeType`."
    for name in [*(set(instances[0]) - INSTANCE), *(set(parameters) - set(PARAMETERS) - set(FREE))]:
        yield f"`{name}` isn't supported by this model. Please remove it."
    for name, able in {**PARAMETERS, "durationSeconds": LENGTHS[model[:5]]}.items():
        if name in parameters and parameters[name] not in able:
            yield f"`{name}` is out of bound or not supported by this model."
    for name, kind in FREE.items():
        if name in parameters and type(parameters[name]) is not kind:
            yield f"The value for `{name}` has the wrong type."
    if parameters.get("resolution") in {"1080p", "4k"} and parameters.get("durationSeconds", 8) != 8:
        yield "Only a duration of 8 seconds is supported at this resolution."
