"""What the OpenAPI document says about this app's operations."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from videos import links
from videos.serializers import (
    FavoriteSerializer,
    VideoAnswerSerializer,
    VideoDeletedAnswerSerializer,
    VideoListAnswerSerializer,
    VideoListQuery,
)

F = TypeVar("F", bound=Callable[..., Any])

_FILES = "https://video.example.com/videos/files/019a20985d5a7d139c570fa19c172427.1769882400"
VIDEO = {
    "id": "019a2098-5d5a-7d13-9c57-0fa19c172427",
    "user_id": "019a1f00-0c1e-7b6e-8f3a-2d5b7c9e1a40",
    "url": f"{_FILES}.Zk0nJ4cP8aV1/video.mp4",
    "thumbnail_url": f"{_FILES}.q7TtW2mB5yLd/poster.jpg",
    "prompt": "A red kite over the sea at dawn",
    "generation_type": "text_to_video",
    "source_image_url": None,
    "duration_seconds": 5.0,
    "resolution": "hd_1080p",
    "aspect_ratio": "16:9",
    "width": 1920,
    "height": 1080,
    "fps": 24,
    "size_bytes": 2411724,
    "reference_person": None,
    "metadata": {"project": "spring"},
    "model_used": "preview",
    "is_favorited": False,
    "created_at": "2026-01-31T12:00:09.120000Z",
    "updated_at": "2026-01-31T12:00:09.120000Z",
}
LINKS = (
    "`url` and `thumbnail_url` play in a bare `<video>` or `<img>` with no header. They are signed and "
    "expire: do not keep them, ask again."
)

list_videos: Callable[[F], F] = extend_schema(
    operation_id="listVideos",
    tags=["Videos"],
    summary="The caller's videos",
    description=f"Newest first. A video stays until it is deleted. {LINKS}",
    parameters=[VideoListQuery],
    responses={200: VideoListAnswerSerializer},
    examples=[
        OpenApiExample(
            "One of seven",
            value={
                "success": True,
                "videos": [VIDEO],
                "pagination": {"total": 7, "limit": 1, "offset": 0, "has_more": True},
            },
            response_only=True,
        )
    ],
)

get_video: Callable[[F], F] = extend_schema(
    operation_id="getVideo",
    tags=["Videos"],
    summary="One video",
    description=f"{LINKS} Somebody else's video is not found, as an unknown one.",
    responses={200: VideoAnswerSerializer},
    examples=[
        OpenApiExample("A video", value={"success": True, "video": VIDEO}, response_only=True),
    ],
)

set_favorite: Callable[[F], F] = extend_schema(
    operation_id="setVideoFavorite",
    tags=["Videos"],
    summary="Mark or unmark a favourite",
    description="`is_favorited` is all that can be changed; any other field is refused.",
    request=FavoriteSerializer,
    responses={200: VideoAnswerSerializer},
    examples=[
        OpenApiExample("Mark it", value={"is_favorited": True}, request_only=True),
        OpenApiExample(
            "Marked",
            value={"success": True, "video": {**VIDEO, "is_favorited": True}},
            response_only=True,
        ),
    ],
)

delete_video: Callable[[F], F] = extend_schema(
    operation_id="deleteVideo",
    tags=["Videos"],
    summary="Delete a video",
    description="The video, its thumbnail, an uploaded source picture and the entry go together, for good. "
    "`deleted_from_storage` is false when the storage did not let go of a file: nobody can reach it any "
    "more, and it is removed later. DUST is not given back.",
    request=None,
    responses={200: VideoDeletedAnswerSerializer},
    examples=[
        OpenApiExample(
            "Deleted",
            value={"success": True, "message": "The video was deleted.", "deleted_from_storage": True},
            response_only=True,
        )
    ],
)

get_file: Callable[[F], F] = extend_schema(
    operation_id="getVideoFile",
    tags=["Videos"],
    summary="The file behind a link",
    description="What `url`, `thumbnail_url` and the `source_image_url` of an uploaded picture point to. The "
    "link is the permission. Answers one `Range` with 206, `If-None-Match` with 304, a range past the end "
    "with 416; an expired link with 403. `?download=1` makes a browser save it.",
    parameters=[
        OpenApiParameter("token", str, OpenApiParameter.PATH, description="From the link, as it is."),
        OpenApiParameter("name", str, OpenApiParameter.PATH, enum=[links.VIDEO, links.POSTER, links.SOURCE]),
        OpenApiParameter("download", str, description="Save it rather than show it."),
        OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="For example `bytes=0-1023`."),
    ],
    responses={
        (200, "video/mp4"): OpenApiTypes.BINARY,
        (200, "image/jpeg"): OpenApiTypes.BINARY,
        (206, "video/mp4"): OpenApiTypes.BINARY,
    },
)
