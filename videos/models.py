"""The rows of the library: one for each finished video."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from base.columns import ExactJson
from base.ids import uuid7


class GenerationType(models.TextChoices):
    """What a video was made from."""

    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"


class VideoQuerySet(models.QuerySet["Video"]):
    """The questions that are asked of the library."""

    def owned_by(self, user_id: uuid.UUID) -> Self:
        return self.filter(user_id=user_id)

    def favorites(self) -> Self:
        return self.filter(is_favorited=True)

    def made_from(self, generation_type: str) -> Self:
        return self.filter(generation_type=generation_type)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class Video(models.Model):
    """A finished video. It owns its files: they are written before it and removed after it.

    The user is CASCADE, so that removing a person removes what is theirs in one step; the files are then
    orphans, which the clean-up finds. PROTECT would make each video a reason to keep the person.
    File columns hold storage names, not FileFields: only `videos.library` may touch files.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="videos",
        db_index=False,  # each index below starts with it
    )
    file = models.CharField(max_length=200)
    poster = models.CharField(max_length=200)
    source_image = models.CharField(max_length=200, blank=True, default="")  # the picture the user uploaded
    source_image_url = models.CharField(max_length=2000, blank=True, default="")  # the address the user gave
    prompt = models.TextField()
    generation_type = models.CharField(max_length=20, choices=GenerationType.choices)
    duration_seconds = models.FloatField()
    resolution = models.CharField(max_length=20)
    aspect_ratio = models.CharField(max_length=10)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps = models.PositiveIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    reference_person = ExactJson(null=True, blank=True, default=None)
    metadata = ExactJson(blank=True, default=dict)
    model_used = models.CharField(max_length=100)
    is_favorited = models.BooleanField(default=False)
    # by the database's clock
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = VideoQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="video_newest"),
            models.Index(
                fields=["user", "-created_at", "-id"],
                condition=models.Q(is_favorited=True),
                name="video_favorites",
            ),
        ]
        constraints = [
            # Deleting a video deletes its files: no other may stand on them.
            models.UniqueConstraint(fields=["file"], name="video_file_is_its_own"),
            models.UniqueConstraint(fields=["poster"], name="video_poster_is_its_own"),
            models.UniqueConstraint(
                fields=["source_image"],
                condition=~models.Q(source_image=""),
                name="video_source_image_is_its_own",
            ),
        ]

    def __str__(self) -> str:
        return f"video {self.id}"
