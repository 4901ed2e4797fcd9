"""What the OpenAPI document says about this app's operations."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from base import openapi
from base.openapi import PERMISSION_DENIED, WITH_A_BODY, answer, header
from videos import examples, links
from videos.serializers import (
    FavoriteSerializer,
    VideoAnswerSerializer,
    VideoDeletedAnswerSerializer,
    VideoListAnswerSerializer,
    VideoListQuery,
)

VIDEOS = "Videos"
UNKNOWN_VIDEO = openapi.not_found("video")
LINKS = (
    "`url` and `thumbnail_url` play in a bare `<video>` or `<img>` with no header. They are signed and "
    "expire: do not keep them, ask again."
)

list_videos = openapi.operation(
    "listVideos",
    path="/videos",
    tag=VIDEOS,
    summary="The caller's videos",
    description=f"Newest first. A video stays until it is deleted. {LINKS}",
    parameters=[VideoListQuery],
    answers={200: answer(VideoListAnswerSerializer, "One page.", one_of_seven=examples.VIDEOS)},
    refusals=[openapi.INVALID_LIMIT],
)

get_video = openapi.operation(
    "getVideo",
    path=examples.VIDEO_PATH,
    tag=VIDEOS,
    summary="One video",
    description=LINKS,
    answers={200: answer(VideoAnswerSerializer, "The video.", a_video=examples.ONE)},
    refusals=[UNKNOWN_VIDEO],
)

FAVORITE = OpenApiRequest(
    FavoriteSerializer, examples=[OpenApiExample("Mark it", value={"is_favorited": True}, request_only=True)]
)

set_favorite = openapi.operation(
    "setVideoFavorite",
    path=examples.VIDEO_PATH,
    tag=VIDEOS,
    summary="Mark or unmark a favourite",
    description="`is_favorited` is all that can be changed; any other field is refused.",
    request={"application/json": FAVORITE, "text/plain": FAVORITE},
    answers={200: answer(VideoAnswerSerializer, "The video as it is now.", marked=examples.FAVORITE)},
    refusals=[
        openapi.invalid("is_favorited", "Must be a valid boolean.", "invalid"),
        PERMISSION_DENIED,
        UNKNOWN_VIDEO,
        *WITH_A_BODY,
    ],
)

delete_video = openapi.operation(
    "deleteVideo",
    path=examples.VIDEO_PATH,
    tag=VIDEOS,
    summary="Delete a video",
    description="The video, its thumbnail, an uploaded source picture and the entry go together, for good. "
    "`deleted_from_storage` is false when the storage did not let go of a file: nobody can reach it any "
    "more, and it is removed later.",
    dust="free; what the video cost is not given back.",
    request=None,
    answers={200: answer(VideoDeletedAnswerSerializer, "It is gone.", deleted=examples.DELETED)},
    refusals=[PERMISSION_DENIED, UNKNOWN_VIDEO],
)

FILE = OpenApiResponse(OpenApiTypes.BINARY, description="The whole file.")
PART = OpenApiResponse(OpenApiTypes.BINARY, description="The range that was asked for.")

# what every address of a file takes and answers, whatever names the file
FILE_PARAMETERS = [
    OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="For example `bytes=0-1023`."),
    OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="An `ETag` or `Last-Modified`."),
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="An `ETag`."),
    header("ETag", "A strong tag of the file.", [200, 206, 304]),
    header("Accept-Ranges", "`bytes`.", [200, 206]),
    header("Content-Range", "Which bytes of how many.", [206, 416]),
]
FILE_ANSWERS = {
    (200, "video/mp4"): FILE,
    (200, "image/jpeg"): FILE,
    (206, "video/mp4"): PART,
    (206, "image/jpeg"): PART,
    304: openapi.empty("The file is the one with that `ETag`."),
}

get_file = openapi.operation(
    "getVideoFile",
    path=examples.FILE_PATH,
    tag=VIDEOS,
    summary="The file behind a link",
    description="What `url`, `thumbnail_url` and the `source_image_url` of an uploaded picture point to. The "
    "link is the permission: no header is needed, and the rate limit does not count it. `HEAD` answers with "
    "the headers alone. Several ranges at once, and ranges in a form that is not understood, are answered "
    "with the whole file.",
    timing="bytes start at once. A link works for some hours; every answer with a video has a fresh one.",
    public=True,
    parameters=[
        OpenApiParameter("token", str, OpenApiParameter.PATH, description="From the link, as it is."),
        OpenApiParameter("name", str, OpenApiParameter.PATH, enum=[links.VIDEO, links.POSTER, links.SOURCE]),
        OpenApiParameter("download", str, description="Makes a browser save it rather than show it."),
        *FILE_PARAMETERS,
    ],
    answers=FILE_ANSWERS,
    refusals=[
        examples.LINK_EXPIRED,
        examples.LINK_NOT_FOUND,
        examples.PRECONDITION_FAILED,
        examples.RANGE_NOT_SATISFIABLE,
    ],
)
