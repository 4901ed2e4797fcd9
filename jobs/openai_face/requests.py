"""The bodies and queries of `/v1/videos`: strict, bounded, each refusal by field."""

import re
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from base.fields import Choice, StrictSerializer, Text, Whole
from jobs import idempotency
from jobs import requests as own
from jobs.openai_face import answers, sizes
from jobs.resends import Try
from jobs.submission import Key, Mark

PICTURE = "input_reference"
FLAT = f"{PICTURE}[image_url]"  # how the clients write it in a form
NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": list(sizes.LENGTHS)},
            {"type": "integer", "enum": [int(seconds) for seconds in sizes.LENGTHS]},
        ]
    }
)
class Seconds(Choice):
    """A length; as text, or as the number that some clients send."""

    def __init__(self, **options: Any) -> None:
        super().__init__(list(sizes.LENGTHS), **options)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(str(data) if type(data) is int else data)


class Address(own.WebAddress):
    """Where a picture is."""

    default_error_messages = {
        "not_web": "Enter an http or https URL, or send the picture itself as a file, in a form."
    }


class OpenAIReference(StrictSerializer):
    """A picture by its address."""

    image_url = Address()


class OpenAIVideoCreate(StrictSerializer):
    """What a video is made from."""

    prompt = Text(
        max_length=own.PROMPT_CHARACTERS,
        help_text=f"1 to {own.PROMPT_CHARACTERS} characters after trimming.",
    )
    model = Text(
        max_length=60,
        required=False,
        help_text="An alias from `GET /videos/models`, or a name that the operator maps to one.",
    )
    seconds = Seconds(required=False, help_text="The model's shortest if missing.")
    size = Choice(
        list(sizes.SIZES),
        required=False,
        help_text=f"Width x height in pixels; `{sizes.DEFAULT_SIZE}` if missing. `1024x1792` is made as "
        "1080x1920 and `1792x1024` as 1920x1080. With a picture, the picture sets the shape and this the "
        "short side.",
    )
    seed = Whole(
        min_value=0,
        max_value=own.MAX_SEED,
        required=False,
        help_text="Not in OpenAI's API: same request and seed, same video, where the model can.",
    )
    input_reference = OpenAIReference(required=False)


class OpenAIVideoForm(OpenAIVideoCreate):
    """The same as a form, with the picture in it."""

    input_reference = serializers.FileField(  # type: ignore[assignment]  # a file instead of its address
        required=False, help_text="JPEG, PNG, WebP or AVIF, at most 20 MB and 50 megapixels."
    )


class ListQuery(serializers.Serializer[Any]):
    """A page of a list, by the id that it begins after."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    after = serializers.UUIDField(required=False, help_text="The `last_id` of the page before.")
    order = serializers.ChoiceField(["asc", "desc"], default="desc", help_text="By the time of creation.")


class ContentQuery(serializers.Serializer[Any]):
    """Which file of a video."""

    variant = serializers.ChoiceField(answers.VARIANTS, default=answers.VIDEO)


def create(request: Request) -> tuple[dict[str, Any], UploadedFile[Any] | None]:
    """Return the checked fields of a create, and the uploaded picture if there is one.

    Raise ValidationError, ParseError or PayloadTooLarge.
    """
    body = own.body_of(request, file=PICTURE)
    if not isinstance(request.data, QueryDict):
        return _checked(OpenAIVideoCreate, body), None
    if PICTURE not in request.FILES:
        return _checked(OpenAIVideoCreate, _nested(body)), None
    fields = _checked(OpenAIVideoForm, {**body, PICTURE: own.picture(request, PICTURE)})
    return fields, fields.pop(PICTURE)


def mark(request: Request, *, picture_digest: bytes) -> Mark | None:
    """Return what tells a repetition of this create: its key or, without one, the number of the try.

    None if it sent neither. Raise ValidationError.
    """
    key = own.sent_key(request)
    number = request.headers.get("X-Stainless-Retry-Count", "")
    if key is None and not NUMBER.fullmatch(number):
        return None
    fingerprint = idempotency.fingerprint(request.path, own.body_of(request, file=PICTURE), picture_digest)
    if key is None:
        return Try(number=int(number), fingerprint=fingerprint)
    return Key(key=key, fingerprint=fingerprint)


def query(request: Request, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the checked query. Raise ValidationError."""
    checked = serializer(data=request.query_params)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _nested(form: dict[str, Any]) -> dict[str, Any]:
    """Put together again what a form can only hold flat."""
    fields = {name: value for name, value in form.items() if name != FLAT}
    return {**fields, PICTURE: {"image_url": form[FLAT]}} if FLAT in form else fields


def _checked(serializer: type[OpenAIVideoCreate], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
