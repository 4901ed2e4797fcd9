"""The pieces that every app's part of the OpenAPI document is made of: refusals, headers, operations."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from base import phrases

F = TypeVar("F", bound=Callable[..., Any])

PROBLEM_TYPE = "application/problem+json"
EXAMPLE_REQUEST_ID = "3f6c1d0a9b5e4c7f8a2d6e1b0c9f8a7d"


@extend_schema_field({"type": "boolean", "const": True})
class Succeeded(serializers.BooleanField):
    """`success: true`, as every answer that is no error says."""


@extend_schema_field({"type": "boolean", "const": False})
class NotSucceeded(serializers.BooleanField):
    """`success: false`, as every error says."""


class Problem(serializers.Serializer[Any]):
    """An error: RFC 9457's problem details, and the same for clients that look for `success` and `error`."""

    type = serializers.CharField(help_text="Always `about:blank`: what happened is in `error_code`.")
    title = serializers.CharField(help_text="The phrase of the HTTP status.")
    status = serializers.IntegerField(min_value=400, max_value=599, help_text="The HTTP status.")
    detail = serializers.CharField(help_text="The same sentence as `error`.")
    instance = serializers.CharField(help_text="The path that was asked for.")
    success = NotSucceeded()
    error = serializers.CharField(help_text="One sentence a person can act on.")
    error_code = serializers.CharField(help_text="Stable: decide by this one, not by the sentences.")
    request_id = serializers.CharField(help_text="Equal to `X-Request-ID`; tell it to support.")


class FieldError(serializers.Serializer[Any]):
    """What is wrong with one field."""

    field = serializers.CharField(
        allow_blank=True, help_text="A dotted path, such as `reference_person.photo_url`; empty for the body."
    )
    message = serializers.CharField()
    code = serializers.CharField(help_text="Stable, such as `required`, `max_length` or `unknown_field`.")


class InvalidRequestProblem(Problem):
    """The request cannot be understood, or some fields are not as they should be."""

    errors = FieldError(  # type: ignore[assignment]  # a field, which the metaclass takes away from the class
        many=True, required=False, help_text="By field; absent when it is not JSON at all."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One error that an operation can answer with: `when` as a sentence, `message` and `extra` by example."""

    status: int
    code: str
    when: str
    message: str
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    body: type[Problem] = Problem

    def example(self, path: str) -> OpenApiExample:
        value = {
            "type": "about:blank",
            "title": phrases.of(self.status),
            "status": self.status,
            "detail": self.message,
            "instance": path,
            "success": False,
            "error": self.message,
            "error_code": self.code,
            "request_id": EXAMPLE_REQUEST_ID,
            **self.extra,
        }
        return OpenApiExample(self.code, value=value, summary=self.when, response_only=True)


def invalid(field: str, message: str, code: str) -> Refusal:
    """Return the 400 for one field."""
    return Refusal(
        status=400,
        code="invalid_request",
        when="The body or the query is not as it should be; `errors` names each field.",
        message=f"{field}: {message}",
        extra={"errors": [{"field": field, "message": message, "code": code}]},
        body=InvalidRequestProblem,
    )


INVALID_LIMIT = invalid("limit", "Ensure this value is less than or equal to 100.", "max_value")
NOT_AUTHENTICATED = Refusal(
    status=401,
    code="not_authenticated",
    when="No credentials, or they are not valid (any more).",
    message="Authentication credentials were not provided.",
)
PERMISSION_DENIED = Refusal(
    status=403,
    code="permission_denied",
    when="A cookie from another site's page, or a `user_id` that is not the caller's own.",
    message="A browser session can change things only from this site's own pages. "
    "From anywhere else, send an API token as `Authorization: Bearer`.",
)
PAYLOAD_TOO_LARGE = Refusal(
    status=413,
    code="payload_too_large",
    when="The body is larger than is read here.",
    message="A JSON body may have at most 65536 bytes.",
)
UNSUPPORTED_MEDIA_TYPE = Refusal(
    status=415,
    code="unsupported_media_type",
    when="The body is of a type that is not read here.",
    message='Unsupported media type "application/xml" in request.',
)
RATE_LIMITED = Refusal(
    status=429,
    code="rate_limited",
    when="Too many requests; wait for `Retry-After` seconds.",
    message="Request was throttled. Expected available in 12 seconds.",
)
UNAVAILABLE = Refusal(
    status=503,
    code="unavailable",
    when="The database or the queue is away. Nothing was changed; try again after `Retry-After` seconds.",
    message="The service is not available right now. Nothing was changed; please try again shortly.",
)
METHOD_NOT_ALLOWED = Refusal(
    status=405,
    code="method_not_allowed",
    when="This path has no such method; `Allow` lists those it has.",
    message='Method "PATCH" not allowed.',
)
INTERNAL_ERROR = Refusal(
    status=500,
    code="internal_error",
    when="A fault of ours; the log has it under the `request_id`.",
    message="Something went wrong on our side. Please try again.",
)
WITH_A_BODY = (PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)


def not_found(what: str) -> Refusal:
    """Return the 404 for an unknown id, which somebody else's is too."""
    return Refusal(
        status=404,
        code="not_found",
        when=f"There is no such {what}, or it is somebody else's: the two can't be told apart.",
        message="Not found.",
    )


def header(
    name: str, description: str, statuses: Iterable[int] | None = None, *, always: bool = True, **schema: Any
) -> OpenApiParameter:
    """Return a response header, of every answer or of those with these statuses."""
    return OpenApiParameter(
        name,
        type={"type": "string", **schema},
        location=OpenApiParameter.HEADER,
        required=always,
        description=description,
        response=[str(status) for status in statuses] if statuses else True,
    )


REQUEST_ID = OpenApiParameter(
    "X-Request-ID",
    location=OpenApiParameter.HEADER,
    # No pattern: nobody is refused for it.
    description="Your own id for this request, kept with the job and in the log: 8 to 64 letters, digits, "
    "dots, underscores and dashes. One is made where it is missing or anything else.",
)
REQUEST_ID_ANSWERED = header("X-Request-ID", "The request's id, yours or ours.")
CHALLENGE = header("WWW-Authenticate", "How to say who is calling.", [401])


def retry_after(*statuses: int) -> OpenApiParameter:
    """Return the header that says when to come back."""
    what = "Whole seconds to wait before asking again; missing where there is nothing to wait for."
    return header("Retry-After", what, statuses, always=False, type="integer", minimum=1)


def answer(body: Any, description: str, **examples: Any) -> OpenApiResponse:
    """Return one answer of an operation; `examples` by name, underscores standing for spaces."""
    shown = [
        OpenApiExample(name.replace("_", " ").capitalize(), value=value, response_only=True)
        for name, value in examples.items()
    ]
    return OpenApiResponse(body, description=description, examples=shown)


def empty(description: str) -> OpenApiResponse:
    """Return an answer without a body."""
    return OpenApiResponse(description=description)


def refused(path: str, refusals: Iterable[Refusal]) -> dict[Any, OpenApiResponse]:
    """Return the answers for these errors: one a status, with an example for each code."""
    by_status: dict[int, list[Refusal]] = {}
    for refusal in refusals:
        by_status.setdefault(refusal.status, []).append(refusal)
    found = {(status, PROBLEM_TYPE): _together(path, group) for status, group in sorted(by_status.items())}
    return {**found, ("default", PROBLEM_TYPE): _together(path, [METHOD_NOT_ALLOWED, INTERNAL_ERROR])}


def _together(path: str, refusals: list[Refusal]) -> OpenApiResponse:
    return OpenApiResponse(
        refusals[0].body,
        description="\n\n".join(f"`{refusal.code}`: {refusal.when}" for refusal in refusals),
        examples=[refusal.example(path) for refusal in refusals],
    )


def operation(
    operation_id: str,
    *,
    path: str,
    tag: str,
    summary: str,
    description: str,
    answers: Mapping[Any, OpenApiResponse],
    dust: str = "free.",
    timing: str = "answers at once.",
    refusals: Iterable[Refusal] = (),
    parameters: Iterable[Any] = (),
    waits: Iterable[int] = (),
    public: bool = False,
    refused: Callable[[str, Iterable[Refusal]], dict[Any, OpenApiResponse]] = refused,
    **more: Any,
) -> Callable[[F], F]:
    """Return the decorator that documents one view method; `path` is the one of its error examples.

    `dust` and `timing` say what a call costs and how long it, or what it starts, takes. What every operation
    has is added here: request ids, 503, the errors of any path, and, unless it is `public`, credentials with
    401 and the rate limit with 429. `waits` are more statuses with `Retry-After`. `refused` puts the refusals
    into another shape.
    """
    refusals = tuple(refusals)
    common = (UNAVAILABLE,) if public else (NOT_AUTHENTICATED, RATE_LIMITED, UNAVAILABLE)
    own = {refusal.code for refusal in refusals}  # which say more of the same
    waiting = retry_after(*waits, 503) if public else retry_after(*waits, 429, 503)
    shared = [REQUEST_ID, REQUEST_ID_ANSWERED, waiting, *([] if public else [CHALLENGE])]
    decorator: Callable[[F], F] = extend_schema(
        operation_id=operation_id,
        tags=[tag],
        summary=summary,
        description=f"{description.strip()}\n\n**DUST:** {dust}\n\n**Timing:** {timing}",
        parameters=[*shared, *parameters],
        responses={
            **answers,
            **refused(path, (*refusals, *(each for each in common if each.code not in own))),
        },
        **more,
    )
    return decorator


class StrictBody(OpenApiSerializerExtension):  # type: ignore[misc]
    """Request bodies refuse unknown fields; `user_id`, which older clients send, may be in the outermost."""

    target_class = "base.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        # drf-spectacular's own way to extend what it would have said
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001
        schema: dict[str, Any] = mapped
        schema["additionalProperties"] = False
        if self.target.parent is None:
            schema.setdefault("properties", {})["user_id"] = {
                "type": "string",
                "format": "uuid",
                "deprecated": True,
                "description": "Not needed: the credentials say who is calling. If sent, it must be the "
                "caller's own, else 403.",
            }
        return schema
