"""The library over HTTP."""

import time
import uuid
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base import callers, pages
from base.views import PrivateView
from videos import delivery, library, links, schema, serializers


class VideoListView(PrivateView):
    """`/videos`"""

    @schema.list_videos
    def get(self, request: Request) -> Response:
        asked = pages.query(request, serializers.VideoListQuery)
        rows = library.listed(
            user_id=callers.user_id(request),
            favorites_only=asked["favorites_only"],
            generation_type=None if asked["generation_type"] == serializers.ALL else asked["generation_type"],
        )
        page = pages.page(rows, limit=asked["limit"], offset=asked["offset"])
        videos = serializers.videos(page.rows, request)
        return Response({"success": True, "videos": videos, "pagination": page.pagination})


class VideoView(PrivateView):
    """`/videos/{id}`"""

    @schema.get_video
    def get(self, request: Request, video_id: uuid.UUID) -> Response:
        video = library.find(video_id, user_id=callers.user_id(request))
        return Response({"success": True, "video": serializers.video(video, request)})

    @schema.set_favorite
    def put(self, request: Request, video_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        asked = serializers.FavoriteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        video = library.find(video_id, user_id=callers.user_id(request))
        video = library.set_favorite(video, **asked.validated_data)
        return Response({"success": True, "video": serializers.video(video, request)})

    @schema.delete_video
    def delete(self, request: Request, video_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        video = library.find(video_id, user_id=callers.user_id(request))
        removed = library.delete(video)
        return Response(
            {"success": True, "message": "The video was deleted.", "deleted_from_storage": removed}
        )


class FileView(APIView):
    """`/videos/files/{token}/{name}`: the link itself is the permission.

    Not throttled: one play is many ranges, and a link reaches one file.
    """

    authentication_classes: list[Any] = []
    permission_classes = [permissions.AllowAny]
    throttle_classes: list[Any] = []

    @schema.get_file
    def get(self, request: Request, token: str, name: str) -> HttpResponseBase:
        link = links.read(token, name, now=time.time())
        video = library.behind_link(link.video_id)
        delivery.release_connection()
        return delivery.answer(request, delivery.file_of(video, name, max_age=link.seconds_left))
