"""The seam: what a provider is given, what it gives back, and how it fails."""

import abc
import dataclasses
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from django.db import models

ESTIMATED = "Making the video (progress is estimated)"
ESTIMATED_MOST = 0.95  # what an estimate says of work that takes longer than such work did


class FailureCode(models.TextChoices):
    """Why a job failed, as clients see it; the label is the sentence for the end user."""

    CONTENT_REJECTED = (
        "content_rejected",
        "This request was declined by the content rules. Try other words or another picture.",
    )
    INVALID_IMAGE = (
        "invalid_image",
        "The picture could not be fetched or used. Send a JPEG, PNG, WebP or AVIF of at most 20 MB.",
    )
    PROVIDER_REJECTED = "provider_rejected", "The model did not accept this request. Try other options."
    PROVIDER_UNAVAILABLE = (
        "provider_unavailable",
        "The model is not available right now. Please try again later.",
    )
    PROVIDER_TIMEOUT = "provider_timeout", "Making the video took too long. Please try again."
    INTERNAL_ERROR = "internal_error", "Something went wrong on our side. Please try again."
    REFERENCE_ERROR = "reference_error", "The reference person's photo could not be used."

    @classmethod
    def known(cls, code: str) -> "FailureCode":
        """Return the code of a row; one that only a newer release knows is a fault of ours here."""
        return cls(code) if code in cls.values else cls.INTERNAL_ERROR


class ProviderError(Exception):
    """The provider could not make the video.

    `code` is what the client learns; `detail` is for staff only (a provider's own words go there).
    `retryable` means that the same work may succeed if done again: another attempt is made if one is left.
    """

    def __init__(self, code: FailureCode, detail: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code.value}: {detail}")
        self.code = code
        self.detail = detail
        self.retryable = retryable


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One video to make.

    `width` and `height` are the frame in pixels, both even; for an image to video they already follow
    the picture's shape. `image` is the user's picture, checked, upright, RGB; `portrait` the reference
    person's photo, likewise. `attempt` counts from 1. `expected_seconds` is how long such work takes here.
    `options` are the model's own, from the settings.
    """

    job_id: uuid.UUID
    attempt: int
    generation_type: str
    prompt: str
    width: int
    height: int
    frames_per_second: int
    duration_seconds: int
    seed: int
    camera_fixed: bool
    image: Path | None = None
    portrait: Path | None = None
    expected_seconds: float = 1.0
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def frame_count(self) -> int:
        return self.frames_per_second * self.duration_seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished video and its poster, in the folder the provider was given."""

    video: Path
    poster: Path
    width: int
    height: int
    frames_per_second: int
    duration_seconds: float


Progress = Callable[[float, str], None]
"""Called with the share done (0.0 to 1.0) and a step in a few words; may raise to stop the work."""


class LocalProvider(abc.ABC):
    """A provider that makes the video on the worker's own machine, in a process that can be killed.

    `entry` is what an entry of VIDEO_MODELS with this provider has unless it says otherwise. Where that is
    `kept`, one instance makes one video after the other, and may keep what it has loaded.
    """

    entry: ClassVar[Mapping[str, Any]] = {}

    @abc.abstractmethod
    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        """Make the video and its poster in `folder`; call `progress` at each frame. Raise ProviderError."""
