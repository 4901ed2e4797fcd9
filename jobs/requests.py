"""The bodies and queries that clients send: strict, bounded, each refusal by field."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.request import Request

from base import pages, parsers
from base.fields import Choice, Flag, StrictSerializer, Text, Whole
from jobs import idempotency, outbound
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.states import Status
from jobs.submission import Key

PROMPT_CHARACTERS = 1000
URL_CHARACTERS = 2000
METADATA_BYTES = 4096
KEY_CHARACTERS = 255
MAX_SEED = 2**31 - 1
# A form has only strings: these fields are written in it as JSON.
JSON_IN_FORMS = ("camera_fixed", "metadata", "seed")


@extend_schema_field(
    # no `format: uri`: that has no letters beyond ASCII, which people paste and we encode
    {"type": "string", "pattern": "^https?://", "maxLength": URL_CHARACTERS}
)
class WebAddress(Text):
    """An http or https URL. Whether it may be fetched is judged when it is."""

    default_error_messages = {"not_web": "Enter an http or https URL."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=URL_CHARACTERS, **options)

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            self.fail("not_web")
        if parts.scheme not in {"http", "https"} or not host or any(c.isspace() for c in url):
            self.fail("not_web")
        return url


class ReceiverUrl(WebAddress):
    """An http or https URL that we may post to: a public host, as far as can be seen without a look-up."""

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            outbound.check(url[:URL_CHARACTERS])  # a longer one is refused for its length
        except outbound.OutboundRefused as refused:
            raise ValidationError([ErrorDetail(refused.reason, "not_allowed")]) from refused
        return url


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": True,
        "default": {},
        "description": f"Yours: given back unchanged. At most {METADATA_BYTES} bytes as JSON.",
    }
)
class Metadata(serializers.Field[Any, Any, Any, Any]):
    """A JSON object of the caller's, at most 4 KiB."""

    default_error_messages = {
        "not_an_object": "Must be a JSON object.",
        "unstorable": "Contains characters that cannot be stored.",
        "too_large": f"May have at most {METADATA_BYTES} bytes as JSON.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        try:
            size = len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode())
        except UnicodeEncodeError:  # half of a pair: no answer could be written with it
            self.fail("unstorable")
        if size > METADATA_BYTES:
            self.fail("too_large")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class ReferencePerson(StrictSerializer):
    """Someone the video should show."""

    person_id = Text(max_length=200)
    photo_url = WebAddress(required=False, allow_null=True)
    relationship = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    description = Text(max_length=1000, required=False, allow_null=True, allow_blank=True)


class Submission(StrictSerializer):
    """The fields that both submits share."""

    prompt = Text(max_length=PROMPT_CHARACTERS, help_text="1 to 1000 characters after trimming.")
    duration = Choice(Duration.choices, default=Duration.SHORT.value)
    resolution = Choice(Resolution.choices, default=Resolution.FULL_HD.value)
    camera_fixed = Flag(default=False)
    metadata = Metadata(default=dict)
    model = Text(max_length=60, required=False, help_text="An alias from `GET /videos/models`.")
    seed = Whole(
        min_value=0, max_value=MAX_SEED, required=False, allow_null=True, help_text="Same seed, same video."
    )
    webhook_url = ReceiverUrl(
        required=False, allow_null=True, help_text="Is told of what becomes of this job, by signed POSTs."
    )


class Generate(Submission):
    """Text to video."""

    aspect_ratio = Choice(AspectRatio.choices, default=AspectRatio.WIDE.value)
    reference_person = ReferencePerson(required=False, allow_null=True, default=None)


class Animate(Submission):
    """Image to video: the picture sets the shape."""

    image_url = WebAddress()


class AnimateUpload(Submission):
    """Image to video from an uploaded file, as `multipart/form-data`."""

    image = serializers.FileField(help_text="JPEG, PNG, WebP or AVIF, at most 20 MB and 50 megapixels.")


class QuoteQuery(serializers.Serializer[Any]):
    """The submit fields that set the price."""

    generation_type = serializers.ChoiceField(
        GenerationType.choices, default=GenerationType.TEXT_TO_VIDEO.value
    )
    duration = serializers.ChoiceField(Duration.choices, default=Duration.SHORT.value)
    resolution = serializers.ChoiceField(Resolution.choices, default=Resolution.FULL_HD.value)
    model = serializers.CharField(max_length=60, required=False)


class JobsQuery(pages.PageQuery):
    """A page of the caller's jobs."""

    status = serializers.ChoiceField(Status.choices, required=False)


class StatusQuery(serializers.Serializer[Any]):
    """How long an answer may be held."""

    wait = serializers.IntegerField(
        min_value=0,
        max_value=60,
        default=0,
        help_text="Seconds to hold the answer until there is something new to say.",
    )


class EventsQuery(serializers.Serializer[Any]):
    """Where a stream goes on."""

    last_event_id = serializers.IntegerField(
        min_value=0,
        max_value=2**63 - 1,
        required=False,
        help_text="The same as the header `Last-Event-ID`, for clients that can't send one.",
    )


def wait(request: Request) -> int:
    """Return for how many seconds a status may be held. Raise ValidationError."""
    if "wait" not in request.query_params:
        return 0
    query = StatusQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return int(query.validated_data["wait"])


def last_event_id(request: Request) -> int | None:
    """Return the id of the last event that the client has; None if it has none. Raise ValidationError.

    A browser that comes again asks for the same address, with the header: that one counts.
    """
    ids = []
    for given in (request.headers.get("Last-Event-ID"), request.query_params.get("last_event_id")):
        query = EventsQuery(data={"last_event_id": given} if given else {})
        query.is_valid(raise_exception=True)
        ids += query.validated_data.values()
    return ids[0] if ids else None


def generate(request: Request) -> dict[str, Any]:
    """Return the checked fields of a generate. Raise ValidationError."""
    return _checked(Generate, request.data)


def animate(request: Request) -> tuple[dict[str, Any], UploadedFile[Any] | None]:
    """Return the checked fields of an animate, and the uploaded picture if there is one.

    Raise ValidationError or PayloadTooLarge.
    """
    if not isinstance(request.data, QueryDict):
        return _checked(Animate, request.data), None
    body = body_of(request)
    if "image" not in request.FILES:
        return _checked(Animate, body), None
    image = picture(request, "image")
    fields = _checked(AnimateUpload, {**body, "image": image})
    return fields, fields.pop("image")


def picture(request: Request, name: str) -> UploadedFile[Any]:
    """Return the uploaded file of this name, which must be there. Raise PayloadTooLarge."""
    found: UploadedFile[Any] = request.FILES[name]
    if (found.size or 0) > settings.MAX_UPLOAD_BYTES:
        raise parsers.PayloadTooLarge(f"A picture may have at most {settings.MAX_UPLOAD_BYTES:,} bytes.")
    return found


def body_of(request: Request, *, file: str = "image") -> Any:
    """Return the body as JSON would have it: of a form, its fields without `file`. Raise ParseError."""
    if not isinstance(request.data, QueryDict):
        return request.data
    repeated = [name for name, values in request.data.lists() if len(values) > 1]
    if repeated:
        raise ParseError(f"The form has the field {repeated[0][:100]!r} more than once.")
    texts = {name: value for name, value in request.data.items() if name not in request.FILES}
    strange = [name for name in request.FILES if name != file]
    if strange:
        raise ValidationError({strange[0][:100]: ["This file is not known here."]})
    return {name: _as_json(name, text) if name in JSON_IN_FORMS else text for name, text in texts.items()}


def _as_json(name: str, text: Any) -> Any:
    try:
        return parsers.loads(str(text))
    except ParseError as error:
        message = ErrorDetail(
            'In a form this field is written as JSON, such as true, 7 or {"a": 1}.', "not_json"
        )
        raise ValidationError({name: [message]}) from error


def idempotency_key(request: Request, *, picture_digest: bytes = b"") -> Key | None:
    """Return the request's key and fingerprint, None if it sent no key. Raise ValidationError."""
    key = sent_key(request)
    if key is None:
        return None
    return Key(key=key, fingerprint=idempotency.fingerprint(request.path, body_of(request), picture_digest))


def sent_key(request: Request) -> str | None:
    """Return the `Idempotency-Key` that was sent, None if there was none. Raise ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= KEY_CHARACTERS and key.isprintable()):
        message = f"Idempotency-Key must have 1 to {KEY_CHARACTERS} printable characters."
        raise ValidationError({"Idempotency-Key": [message]})
    return key


def _checked(serializer: type[Submission], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
