"""Support staff's view of the library: look, play, delete. Nothing here is edited by hand."""

import contextlib
import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from base.long_lists import LongList
from videos import library, links
from videos.models import Video


@admin.register(Video)
class VideoAdmin(LongList):
    """Deleting goes through the library, one or many, so that the files go too."""

    list_display = [
        "id",
        "user",
        "short_prompt",
        "generation_type",
        "model_used",
        "is_favorited",
        "created_at",
    ]
    list_filter = ["generation_type", "is_favorited", "created_at"]
    list_select_related = ["user"]
    ordering = ["-id"]  # ids are ordered by time, and indexed
    sortable_by = ()
    actions = ()  # the site's own is enough: delete what is ticked
    search_fields = ["user__email", "user__username"]
    search_help_text = "A video's or user's id, an e-mail address, or a user name"
    fieldsets = [
        (None, {"fields": ["player", "id", "user", "prompt", "is_favorited", "created_at", "updated_at"]}),
        (
            "How it was made",
            {
                "fields": [
                    "generation_type",
                    "model_used",
                    "reference_person",
                    "metadata",
                    "source",
                    "source_image_url",
                ]
            },
        ),
        (
            "The file",
            {
                "fields": [
                    "duration_seconds",
                    "resolution",
                    "aspect_ratio",
                    "width",
                    "height",
                    "fps",
                    "size_bytes",
                    "file",
                    "poster",
                    "source_image",
                ]
            },
        ),
    ]
    readonly_fields = ["player", "source"]

    def has_delete_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        return request.user.has_perm("videos.delete_video")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Video], search_term: str
    ) -> tuple[QuerySet[Video], bool]:
        """Look an id up by its index; leave any other words to Django."""
        with contextlib.suppress(ValueError):
            wanted = uuid.UUID(search_term.strip())
            return queryset.filter(Q(pk=wanted) | Q(user_id=wanted)), False
        return super().get_search_results(request, queryset, search_term)

    def delete_model(self, request: HttpRequest, obj: Video) -> None:
        """Delete inside the admin's transaction; the files follow its commit."""
        library.delete_on_commit(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        """Delete one by one: what fails half-way leaves whole videos."""
        for video in queryset:
            with contextlib.suppress(library.VideoNotFound):  # its owner was quicker
                library.delete(video)

    @admin.display(description="prompt")
    def short_prompt(self, video: Video) -> str:
        return Truncator(video.prompt).chars(60)

    @admin.display(description="video")
    def player(self, video: Video) -> SafeString:
        return format_html(
            '<video controls preload="none" width="480" poster="{}" src="{}"></video>',
            links.poster_url(video),
            links.video_url(video),
        )

    @admin.display(description="picture it was made from")
    def source(self, video: Video) -> Any:
        """Show an uploaded picture only: a foreign address would tell its owner who looks."""
        if not video.source_image:
            return "–"
        return format_html('<img src="{}" width="240" alt="">', links.source_url(video))
