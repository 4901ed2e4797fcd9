"""Signed, expiring addresses of stored files: they play in a bare `<video>` or `<img>`, with no header.

A link names one file of one video and is all that its holder can reach. Links are made afresh in every
answer, yet stay the same for an eighth of their life, so that a browser's cache is of use to a list that
is fetched again and again.
"""

import dataclasses
import time
import uuid

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from rest_framework.request import Request

from base.errors import DomainError
from videos.models import Video

VIDEO = "video.mp4"
POSTER = "poster.jpg"
SOURCE = "source"  # in whatever format it was uploaded

STEPS = 8


class LinkNotFound(DomainError):
    """There is nothing at this address."""

    code = "not_found"


class LinkExpired(DomainError):
    """This link has expired. Ask for the video again: the answer has a new one."""

    code = "permission_denied"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a genuine, living link grants. `seconds_left` is at least 1."""

    video_id: uuid.UUID
    seconds_left: int


def video_url(video: Video, request: HttpRequest | Request | None = None) -> str:
    """Return the address of the video; absolute if a request says where we are."""
    return _url(video, VIDEO, request)


def poster_url(video: Video, request: HttpRequest | Request | None = None) -> str:
    """Return the address of the poster; absolute if a request says where we are."""
    return _url(video, POSTER, request)


def source_url(video: Video, request: HttpRequest | Request | None = None) -> str | None:
    """Return where the picture is that the video was made from: ours if uploaded, or the user's, or None."""
    if video.source_image:
        return _url(video, SOURCE, request)
    return video.source_image_url or None


def sign(video_id: uuid.UUID, name: str, *, expires: int) -> str:
    """Return a token for one file of a video, good until `expires` (Unix time)."""
    return _signer(name).sign(f"{video_id.hex}.{expires}")


def read(token: str, name: str, *, now: float) -> Link:
    """Return what the token grants for this file name. Raise LinkNotFound or LinkExpired."""
    try:
        video_id, expires = _signer(name).unsign(token).split(".")
    except signing.BadSignature as error:
        raise LinkNotFound from error
    seconds_left = int(expires) - int(now)
    if seconds_left < 1:
        raise LinkExpired
    return Link(video_id=uuid.UUID(video_id), seconds_left=seconds_left)


def expiry(now: float) -> int:
    """Return when a link made now ends: at most `MEDIA_URL_SECONDS` on, at least seven eighths of that."""
    life: int = settings.MEDIA_URL_SECONDS
    step = max(1, life // STEPS)
    return int(now) // step * step + life


def _url(video: Video, name: str, request: HttpRequest | Request | None) -> str:
    token = sign(video.pk, name, expires=expiry(time.time()))
    path = reverse("video-file", args=[token, name])
    return request.build_absolute_uri(path) if request else path


def _signer(name: str) -> signing.Signer:
    return signing.Signer(salt=f"videos.links.{name}", sep=".")
