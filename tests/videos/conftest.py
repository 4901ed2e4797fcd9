"""A maker of library videos: real rows over real files."""

import dataclasses

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from base.ids import uuid7
from videos import library

VIDEO_BYTES = bytes(range(256)) * 4
POSTER_BYTES = b"\xff\xd8 a poster"
PICTURE_BYTES = b"\xff\xd8\xff\xe0 a cat"

DETAILS = library.Details(
    user_id=None,
    prompt="A red kite over the sea",
    generation_type="text_to_video",
    duration_seconds=5,
    resolution="sd_480p",
    aspect_ratio="16:9",
    width=854,
    height=480,
    fps=24,
    reference_person=None,
    metadata={},
    model_used="preview",
)


@pytest.fixture
def rendered(tmp_path):
    """A finished render: a video and its poster outside the storage."""
    video, poster = tmp_path / "render.mp4", tmp_path / "render.jpg"
    video.write_bytes(VIDEO_BYTES)
    poster.write_bytes(POSTER_BYTES)
    return {"video": video, "poster": poster}


@pytest.fixture
def make_video(rendered):
    """Make a video of a user's library; any detail may be given."""

    def make(user, **details):
        video_id = uuid7()
        files = library.store(video_id=video_id, **rendered)
        described = dataclasses.replace(DETAILS, user_id=user.pk, **details)
        return library.add(video_id=video_id, files=files, details=described)

    return make


@pytest.fixture
def picture(media):
    """A picture that a user uploaded, by its storage name."""
    return default_storage.save("uploads/cat.jpg", ContentFile(PICTURE_BYTES))


@pytest.fixture
def stored_files(media):
    """Ask for the names of all files in the storage."""

    def names():
        return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())

    return names


@pytest.fixture
def use_storage(settings, media):
    """Put another kind of storage, by its dotted name, in front of the same folder from here on."""

    def use(backend):
        default = {"BACKEND": backend, "OPTIONS": {"location": str(media)}}
        settings.STORAGES = {**settings.STORAGES, "default": default}

    return use


@pytest.fixture
def broken_storage(use_storage):
    """From here on the storage fails in one of the ways of `tests.videos.storages`."""

    def use(name):
        use_storage(f"tests.videos.storages.{name}")

    return use
