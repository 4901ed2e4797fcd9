"""The video object as clients see it, and what they may send about one."""

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request

from base import fields, pages
from base.openapi import Succeeded
from videos import links
from videos.models import GenerationType, Video

ALL = "all"


class VideoSerializer(serializers.ModelSerializer[Video]):
    """A finished video. Its addresses are signed, expire, and need no header."""

    url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    source_image_url = serializers.SerializerMethodField()
    reference_person = serializers.DictField(allow_null=True, read_only=True)
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Video
        fields = [
            "id",
            "user_id",
            "url",
            "thumbnail_url",
            "prompt",
            "generation_type",
            "source_image_url",
            "duration_seconds",
            "resolution",
            "aspect_ratio",
            "width",
            "height",
            "fps",
            "size_bytes",
            "reference_person",
            "metadata",
            "model_used",
            "is_favorited",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_url(self, video: Video) -> str:
        return links.video_url(video, self.context["request"])

    def get_thumbnail_url(self, video: Video) -> str:
        return links.poster_url(video, self.context["request"])

    def get_source_image_url(self, video: Video) -> str | None:
        return links.source_url(video, self.context["request"])


class VideoListQuery(pages.PageQuery):
    """The query of the list."""

    favorites_only = serializers.BooleanField(default=False)
    generation_type = serializers.ChoiceField(choices=[ALL, *GenerationType.values], default=ALL)


class FavoriteSerializer(fields.StrictSerializer):
    """What may be changed about a video."""

    is_favorited = fields.Flag()


class VideoAnswerSerializer(serializers.Serializer[Any]):
    """One video."""

    success = Succeeded()
    video = VideoSerializer()


class VideoListAnswerSerializer(serializers.Serializer[Any]):
    """One page of videos, newest first."""

    success = Succeeded()
    videos = VideoSerializer(many=True)
    pagination = pages.PaginationSerializer()


class VideoDeletedAnswerSerializer(serializers.Serializer[Any]):
    """What became of a deletion."""

    success = Succeeded()
    message = serializers.CharField()
    deleted_from_storage = serializers.BooleanField(
        help_text="False when the storage did not let go of a file; it is removed later."
    )


def video(row: Video, request: HttpRequest | Request) -> dict[str, Any]:
    """Return the video object, with links as `request` reaches us."""
    return dict(VideoSerializer(row, context={"request": request}).data)


def videos(rows: list[Video], request: HttpRequest | Request) -> list[dict[str, Any]]:
    """Return the video object of each row."""
    return list(VideoSerializer(rows, many=True, context={"request": request}).data)
