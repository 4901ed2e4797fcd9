"""The one exception handler: errors become `application/problem+json` (RFC 9457) with our own fields."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.views import set_rollback

from base import phrases
from base.errors import DomainError
from base.outages import AWAY
from jobs.openai_face import problems as openai_face

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

# error_code of a domain error -> HTTP status; what is not listed here is a fault of ours.
DOMAIN_STATUS = {
    "invalid_request": 400,
    "permission_denied": 403,
    "account_frozen": 403,
    "insufficient_dust": 402,
    "not_found": 404,
    "account_not_found": 404,
    "hold_not_found": 409,
    "hold_already_resolved": 409,
    "not_posted": 409,
    "key_conflict": 409,
    "job_not_cancellable": 409,
    "job_failed": 409,
    "job_cancelled": 409,
    "too_many_webhooks": 409,
    "webhook_disabled": 409,
    "delivery_pending": 409,
    "idempotency_in_progress": 409,
    "video_in_progress": 409,
    "video_stopping": 409,
    "video_not_ready": 404,
    "video_not_made": 404,
    "video_expired": 404,
    "variant_not_made": 404,
    "result_expired": 410,
    "video_deleted": 410,
    "payload_too_large": 413,
    "idempotency_key_reused": 422,
    "too_many_active_jobs": 429,
    "rate_limited": 429,
    "unavailable": 503,
}
RETRYABLE = {"too_many_active_jobs", "rate_limited", "idempotency_in_progress", "unavailable"}
UNFINISHED = {"queued", "starting", "processing"}
OVERTAKEN = {"concurrent_duplicate"}  # rolled back whole: trying again is all there is to do

API_CODES: list[tuple[type[Exception], str]] = [
    (exceptions.ValidationError, "invalid_request"),
    (exceptions.ParseError, "invalid_request"),
    (exceptions.NotAuthenticated, "not_authenticated"),
    (exceptions.AuthenticationFailed, "not_authenticated"),
    (exceptions.PermissionDenied, "permission_denied"),
    (exceptions.NotFound, "not_found"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "invalid_request"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.Throttled, "rate_limited"),
]


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the answer for `error`; one that nobody meant is logged, and a 500."""
    request = context["request"]._request  # noqa: SLF001 - DRF has no public name for it
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    set_rollback()
    if isinstance(error, DomainError):
        return _domain(request, error)
    if isinstance(error, AWAY):
        logger.exception("database or cache unavailable")
        return unavailable(request)
    if isinstance(error, exceptions.APIException):
        return _api(request, error)
    logger.exception("unexpected")
    return server_error(request)


def problem(request: HttpRequest, *, status: int, code: str, message: str, **extra: Any) -> JsonResponse:
    """Return one problem document, or what `/v1` has instead; `message` is a sentence a person can act on."""
    if openai_face.covers(request.path):
        return openai_face.problem(request, status=status, code=code, message=message, extra=extra)
    body = {
        "type": "about:blank",
        "title": phrases.of(status),
        "status": status,
        "detail": message,
        "instance": request.path,
        "success": False,
        "error": message,
        "error_code": code,
        "request_id": getattr(request, "request_id", ""),
        **extra,
    }
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    return response


def unavailable(request: HttpRequest) -> JsonResponse:
    """Return the 503 for a database or queue that is away."""
    message = "The service is not available right now. Please try again shortly; a submit, with its same key."
    response = problem(request, status=503, code="unavailable", message=message)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _domain(request: HttpRequest, error: DomainError) -> JsonResponse:
    if error.code in OVERTAKEN:
        return unavailable(request)
    status = DOMAIN_STATUS[error.code]
    response = problem(request, status=status, code=error.code, message=error.message, **error.extra)
    if error.code in RETRYABLE or error.extra.get("job_status") in UNFINISHED:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _api(request: HttpRequest, error: exceptions.APIException) -> JsonResponse:
    code = next((code for kind, code in API_CODES if isinstance(error, kind)), error.default_code)
    extra: dict[str, Any] = {}
    if isinstance(error, exceptions.ValidationError):
        extra["errors"] = field_errors(error.get_full_details())
        message = _first_sentence(extra["errors"])
    else:
        message = str(error.detail)
    response = problem(request, status=error.status_code, code=code, message=message, **extra)
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        response["Retry-After"] = str(max(1, round(wait)))
    return response


def field_errors(details: Any, path: str = "") -> list[dict[str, str]]:
    """Flatten DRF's nested error details to `{field, message, code}`, fields as dotted paths."""
    if isinstance(details, dict) and set(details) == {"message", "code"} and isinstance(details["code"], str):
        return [{"field": path, "message": str(details["message"]), "code": details["code"]}]
    if isinstance(details, dict):
        pairs = details.items()
        return [error for key, value in pairs for error in field_errors(value, _join(path, str(key)))]
    return [error for value in details for error in field_errors(value, path)]


def _join(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else key


def _first_sentence(errors: list[dict[str, str]]) -> str:
    if not errors:
        return "The request is not valid."
    first = errors[0]
    return f"{first['field']}: {first['message']}" if first["field"] else first["message"]


@csrf_exempt  # it does nothing, and a POST to nowhere is a 404, not a 403
def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for a path that is none of ours."""
    message = openai_face.nothing_here(request)
    return problem(request, status=404, code="not_found", message=message)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what Django itself refuses: a malformed form, a host that is not ours."""
    return problem(request, status=400, code="invalid_request", message="The request is malformed.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours; the log has the details under the request's id."""
    message = "Something went wrong on our side. Please try again."
    return problem(request, status=500, code="internal_error", message=message)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer for a form that was not sent from our own pages."""
    message = "This form was not sent from this site, or it has expired. Reload the page and try again."
    return problem(request, status=403, code="permission_denied", message=message)
