"""Errors as OpenAI's API has them, so that its clients raise what their users catch."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse

PREFIX = "/v1"
NOTHING_HERE = (
    "There is nothing at this address. Of OpenAI's API there are POST and GET /v1/videos, GET and DELETE "
    "/v1/videos/{id}, and GET /v1/videos/{id}/content; no edits, extensions, remixes or characters."
)
# That API has no 402: there, who has used up what they have paid for is told so with a 429.
STATUSES = {402: 429}
CODES = {
    "not_authenticated": "invalid_api_key",
    "insufficient_dust": "insufficient_quota",
    "rate_limited": "rate_limit_exceeded",
    "internal_error": "server_error",
}
FIELD_CODES = {
    "required": "missing_required_parameter",
    "unknown_field": "unknown_parameter",
    "unknown_model": "model_not_found",
}
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
PARAMETERS = {"generation_type": "input_reference"}
# The clients repeat any 409 and 429 by themselves. Of these nothing would come.
FINAL = {"insufficient_dust", "too_many_active_jobs", "video_in_progress"}


def covers(path: str) -> bool:
    """Return whether errors at this path have this shape."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def problem(
    request: HttpRequest, *, status: int, code: str, message: str, extra: Mapping[str, Any]
) -> JsonResponse:
    """Return an error of ours in that shape."""
    response = JsonResponse(
        body(code=code, message=message, status=status, extra=extra), status=shown(status)
    )
    response["Cache-Control"] = "no-store"
    if code in FINAL or (code == "rate_limited" and _is_first_try(request)):
        response["x-should-retry"] = "false"
    return response


def _is_first_try(request: HttpRequest) -> bool:
    """Return whether this create's second try would be taken for that of one whose answer was lost."""
    number, has_key = request.headers.get("X-Stainless-Retry-Count"), "Idempotency-Key" in request.headers
    return request.method == "POST" and number == "0" and not has_key


def shown(status: int) -> int:
    """Return the HTTP status that it has there."""
    return STATUSES.get(status, status)


def body(*, status: int, code: str, message: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body alone."""
    errors = extra.get("errors") or [{}]
    first = errors[0]
    name = first.get("field") or None
    shown_code = FIELD_CODES.get(first["code"], "invalid_value") if first else CODES.get(code, code)
    error = {
        "message": message,
        "type": _type(shown(status), code),
        "param": PARAMETERS.get(name, name) if name else None,
        "code": shown_code,
    }
    return {"error": error}


def _type(status: int, code: str) -> str:
    if code == "insufficient_dust":
        return CODES[code]
    return "server_error" if status >= 500 else TYPES.get(status, "invalid_request_error")


def nothing_here(request: HttpRequest) -> str:
    """Return what is said where no path of ours is."""
    return NOTHING_HERE if covers(request.path) else "There is nothing at this address."
