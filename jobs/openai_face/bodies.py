"""The shapes of this API's answers, for the OpenAPI document; `answers` and `problems` make them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

STATUSES = ["queued", "in_progress", "completed", "failed"]


def constant(value: Any) -> serializers.Field[Any, Any, Any, Any]:
    """Return a field that is always the same."""
    kind = "boolean" if isinstance(value, bool) else "string"

    @extend_schema_field({"type": kind, "const": value})
    class Constant(serializers.Field[Any, Any, Any, Any]):
        """Always the same."""

    return Constant()


class OpenAIVideoError(serializers.Serializer[Any]):
    """Why there is no video."""

    code = serializers.CharField(
        help_text="`cancelled`, or a failure code of jobs; `moderation_blocked` is `content_rejected`."
    )
    message = serializers.CharField(help_text="A sentence for the user.")


class OpenAIVideo(serializers.Serializer[Any]):
    """A job, as OpenAI's API shows a video."""

    id = serializers.UUIDField(help_text="The job's id, in the other endpoints too.")
    object = constant("video")
    model = serializers.CharField(help_text="The model that makes it, by its own name.")
    status = serializers.ChoiceField(STATUSES)
    progress = serializers.IntegerField(min_value=0, max_value=100, help_text="Per cent.")
    created_at = serializers.IntegerField(help_text="Unix seconds, as all times here.")
    completed_at = serializers.IntegerField(allow_null=True, help_text="When it ended, however it did.")
    expires_at = serializers.IntegerField(
        allow_null=True, help_text="Until when the content can be fetched here; null unless completed."
    )
    prompt = serializers.CharField()
    seconds = serializers.CharField(help_text="The length, as text.")
    size = serializers.CharField(
        allow_null=True,
        help_text="Width x height; null while a picture is animated: its shape is known when it is made.",
    )
    remixed_from_video_id = serializers.CharField(allow_null=True, help_text="Always null.")
    error = OpenAIVideoError(allow_null=True, help_text="Null unless failed.")


class OpenAIVideoList(serializers.Serializer[Any]):
    """One page of videos."""

    object = constant("list")
    data = OpenAIVideo(many=True)  # type: ignore[assignment]  # the metaclass takes it away from the class
    first_id = serializers.UUIDField(allow_null=True)
    last_id = serializers.UUIDField(allow_null=True, help_text="The `after` of the next page.")
    has_more = serializers.BooleanField()


class OpenAIVideoDeleted(serializers.Serializer[Any]):
    """It is gone."""

    id = serializers.UUIDField()
    object = constant("video.deleted")
    deleted = constant(True)


class OpenAIErrorFields(serializers.Serializer[Any]):
    """What went wrong."""

    message = serializers.CharField(help_text="One sentence a person can act on.")
    type = serializers.CharField(help_text="The kind, such as `invalid_request_error`.")
    param = serializers.CharField(allow_null=True, help_text="The field that it is about.")
    code = serializers.CharField(help_text="Stable: decide by this one.")


class OpenAIError(serializers.Serializer[Any]):
    """An error in the shape of OpenAI's API."""

    error = OpenAIErrorFields()
