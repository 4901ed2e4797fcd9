"""Example answers and refusals of the library, for the OpenAPI document."""

from typing import Any

from base.openapi import Refusal

VIDEO_ID = "019a2098-9c4e-7d22-b1a8-3f60c2d7e915"
VIDEO_PATH = f"/videos/{VIDEO_ID}"
FILES = "https://video.example.com/videos/files/019a20989c4e7d22b1a83f60c2d7e915.1769882400.pZ3kq0V5"

VIDEO: dict[str, Any] = {
    "id": VIDEO_ID,
    "user_id": "019a1f00-0b1d-7c55-9f0e-8d1c2b3a4f56",
    "url": f"{FILES}/video.mp4",
    "thumbnail_url": f"{FILES}/poster.jpg",
    "prompt": "A red fox runs through fresh snow at dawn",
    "generation_type": "text_to_video",
    "source_image_url": None,
    "duration_seconds": 5.0,
    "resolution": "hd_1080p",
    "aspect_ratio": "16:9",
    "width": 1920,
    "height": 1080,
    "fps": 24,
    "size_bytes": 2914206,
    "reference_person": None,
    "metadata": {},
    "model_used": "preview",
    "is_favorited": False,
    "created_at": "2026-01-31T12:00:16.010000Z",
    "updated_at": "2026-01-31T12:00:16.010000Z",
}
VIDEOS = {
    "success": True,
    "videos": [VIDEO],
    "pagination": {"total": 7, "limit": 1, "offset": 0, "has_more": True},
}
ONE = {"success": True, "video": VIDEO}
FAVORITE = {"success": True, "video": {**VIDEO, "is_favorited": True}}
DELETED = {"success": True, "message": "The video was deleted.", "deleted_from_storage": True}

FILE_PATH = "/videos/files/019a20989c4e7d22b1a83f60c2d7e915.1769882400.pZ3kq0V5/video.mp4"
LINK_NOT_FOUND = Refusal(
    status=404,
    code="not_found",
    when="The link is not one of ours, or its video was deleted.",
    message="There is nothing at this address.",
)
LINK_EXPIRED = Refusal(
    status=403,
    code="permission_denied",
    when="The link has expired. Ask for the video again: the answer has a new one.",
    message="This link has expired. Ask for the video again: the answer has a new one.",
)
PRECONDITION_FAILED = Refusal(
    status=412,
    code="precondition_failed",
    when="`If-Match` or `If-Unmodified-Since` did not hold.",
    message="The file is not the one that the request's conditions name.",
)
RANGE_NOT_SATISFIABLE = Refusal(
    status=416,
    code="range_not_satisfiable",
    when="The range begins past the end; `Content-Range` tells the size.",
    message="The range asked for lies past the end of the file.",
)
