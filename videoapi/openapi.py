"""The OpenAPI document as a whole: title, tags, names, and its last touches."""

from typing import Any

DESCRIPTION = """
Submit a prompt or a picture, get a job's id at once, poll its status, play the video. Users pay in DUST.

`VIDEO_API_DOCUMENTATION.md`, at the root of the project, tells the same as a guide.

- **Who calls.** A browser with a session cookie, or anything with `Authorization: Bearer <token>`. Other
  people's jobs and videos answer 404, exactly as unknown ids do.
- **Format.** JSON, UTF-8. Times are RFC 3339 in UTC, ids UUIDs, DUST whole numbers. Unknown fields are
  refused, by name.
- **Errors** are `application/problem+json`: decide by `error_code`, show `error`.
- **Waiting.** Every answer about an unfinished job, and every error that passes by itself, carries
  `Retry-After` in seconds.
- **`X-Request-ID`** is on every answer: your own, if you sent one.
- **`/v1/videos`** is the same in the shape of OpenAI's API, errors and times included.
"""

SETTINGS: dict[str, Any] = {
    "TITLE": "Video API",
    "VERSION": "0.1.0",
    "DESCRIPTION": DESCRIPTION.strip(),
    "CONTACT": {"name": "The team that runs this installation"},
    "LICENSE": {"name": "As agreed with the operator"},
    "SERVERS": [{"url": "/", "description": "This installation"}],
    "TAGS": [
        {"name": "Submit", "description": "Ask for a video. The answer is a job's id, at once."},
        {"name": "Jobs", "description": "What becomes of it: status, result, cancellation, lists."},
        {"name": "Videos", "description": "The user's library: what was made, until it is deleted."},
        {"name": "Webhooks", "description": "Servers of the user's that are told what becomes of jobs."},
        {"name": "DUST", "description": "What the user can spend, and what was spent on what."},
        {
            "name": "OpenAI's shape",
            "description": "The same jobs and the same DUST for code that speaks OpenAI's `/v1/videos`: give "
            "its client this installation's address with `/v1` as `base_url`, and a token as `api_key`. "
            'Errors have that API\'s shape, `{"error": {"message", "type", "param", "code"}}`.',
        },
        {"name": "Service", "description": "Models, prices, and how the installation is doing."},
    ],
    "OAS_VERSION": "3.1.1",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "SORT_OPERATIONS": False,  # as the urls have them: generate comes first
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "jobs.states.Status",
        "ActiveJobStatus": "jobs.bodies.ACTIVE",
        "DustState": "jobs.states.Dust",
        "FailureCode": "jobs.providers.base.FailureCode",
        "GenerationType": "jobs.formats.GenerationType",
        "Duration": "jobs.formats.Duration",
        "Resolution": "jobs.formats.Resolution",
        "AspectRatio": "jobs.formats.AspectRatio",
        "TransactionKind": "dust.models.Kind",
        "EventType": "webhooks.events.EventType",
        "DeliveryState": "webhooks.models.State",
    },
    "WEBHOOKS": [
        f"webhooks.schema.{name}" for name in ("queued", "started", "completed", "failed", "cancelled")
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "videoapi.openapi.name_error_codes",
        "webhooks.schema.name_headers",
    ],
}


def name_error_codes(result: Any, **_: Any) -> Any:
    """Make `error_code` of every problem one enum, of the codes that the document shows examples of."""
    codes = sorted(set(_example_codes(result["paths"])))
    schemas = result["components"].setdefault("schemas", {})
    for name, schema in schemas.items():
        if name.endswith("Problem"):
            described = schema["properties"]["error_code"].get("description")
            schema["properties"]["error_code"] = {
                "$ref": "#/components/schemas/ErrorCode",
                "description": described,
            }
    schemas["ErrorCode"] = {"type": "string", "enum": codes}
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _example_codes(part: Any) -> Any:
    if isinstance(part, dict):
        if part.get("success") is False and "error_code" in part:
            yield part["error_code"]
        for inner in part.values():
            yield from _example_codes(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _example_codes(inner)
