"""The library's own verbs: put a finished video in, mark it, take it out."""

import contextlib
import dataclasses
import logging
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.functions import Now

from base.errors import DomainError
from videos import orphans
from videos.models import Video, VideoQuerySet

logger = logging.getLogger(__name__)

PREFIX = "videos"
BATCH = 500


class VideoNotFound(DomainError):
    """There is no such video."""

    code = "not_found"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """A video and its poster, whole and in the storage (by their names there), with no row yet."""

    file: str
    poster: str
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a video is, beside its files. `fps` is frames per second, `width` and `height` are pixels.

    `source_image` is the storage name of a picture the user uploaded: the video owns it from `add` on.
    """

    user_id: uuid.UUID
    prompt: str
    generation_type: str
    duration_seconds: float
    resolution: str
    aspect_ratio: str
    width: int
    height: int
    fps: int
    reference_person: dict[str, Any] | None
    metadata: dict[str, Any]
    model_used: str
    source_image: str = ""
    source_image_url: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanReport:
    """What the clean-up found: files no row names (and their bytes), rows whose files aren't whole."""

    files: int
    bytes: int
    rows_without_file: int


class _Watched(File[bytes]):
    """A file that tells of each piece read from it; `chunks()` reads by `read()`, so both ways are seen."""

    def __init__(self, file: IO[bytes], on_chunk: Callable[[], None]) -> None:
        super().__init__(file)
        self._source = file
        self._on_chunk = on_chunk

    def read(self, size: int = -1) -> bytes:
        self._on_chunk()
        return self._source.read(size)


def store(
    *, video_id: uuid.UUID, video: Path, poster: Path, on_chunk: Callable[[], None] | None = None
) -> StoredFiles:
    """Copy both files into the storage under names never used before, outside any transaction.

    Two attempts at one video never share a file. `on_chunk` is called for each piece copied, in the thread
    that the storage copies in. Raise OSError, or what `on_chunk` raises, leaving nothing behind.
    """
    # The last byte of a UUIDv7 is random: it spreads the files over 256 folders.
    stem = f"{PREFIX}/{video_id.hex[-2:]}/{video_id.hex}-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as undo:
        file_name = _save(video, f"{stem}.mp4", undo, on_chunk)
        poster_name = _save(poster, f"{stem}.jpg", undo, on_chunk)
        files = StoredFiles(file=file_name, poster=poster_name, size_bytes=video.stat().st_size)
        undo.pop_all()
    return files


def add(*, video_id: uuid.UUID, files: StoredFiles, details: Details) -> Video:
    """Write the row, in the caller's transaction."""
    return Video.objects.create(
        id=video_id,
        **{field.name: getattr(files, field.name) for field in dataclasses.fields(files)},
        **{field.name: getattr(details, field.name) for field in dataclasses.fields(details)},
    )


def discard(files: StoredFiles) -> None:
    """Remove files that got no row; what cannot be removed now is left to the clean-up."""
    _remove([files.file, files.poster])


def listed(*, user_id: uuid.UUID, favorites_only: bool, generation_type: str | None) -> VideoQuerySet:
    """Return this user's videos, newest first; `generation_type` None means both."""
    rows = Video.objects.owned_by(user_id).newest_first()
    if favorites_only:
        rows = rows.favorites()
    if generation_type is not None:
        rows = rows.made_from(generation_type)
    return rows


def find(video_id: uuid.UUID, *, user_id: uuid.UUID) -> Video:
    """Return a video of this user. Raise VideoNotFound, also for somebody else's."""
    return _only(Video.objects.owned_by(user_id).filter(pk=video_id))


def behind_link(video_id: uuid.UUID) -> Video:
    """Return the video that a genuine link names, whoever's it is. Raise VideoNotFound."""
    return _only(Video.objects.filter(pk=video_id))


def set_favorite(video: Video, *, is_favorited: bool) -> Video:
    """Mark or unmark a favourite and return the fresh row. Raise VideoNotFound if it has just gone."""
    rows = Video.objects.filter(pk=video.pk)
    if not rows.update(is_favorited=is_favorited, updated_at=Now()):
        raise VideoNotFound
    return _only(rows)


def delete(video: Video) -> bool:
    """Delete the row, commit, then the files; return whether the storage let go of all of them.

    Raise VideoNotFound if somebody else deleted it first.
    """
    with transaction.atomic(durable=True):
        names = _delete_row(video)
    return _remove(names)


def delete_on_commit(video: Video) -> None:
    """Delete the row in the caller's transaction, and the files once that commits."""
    names = _delete_row(video)
    transaction.on_commit(lambda: _remove(names))


def known(names: Sequence[str]) -> set[str]:
    """Return those of these storage names that a row of the library stands on."""
    rows = Video.objects
    return {
        *rows.filter(file__in=names).values_list("file", flat=True),
        *rows.filter(poster__in=names).values_list("poster", flat=True),
        *rows.filter(source_image__in=names).exclude(source_image="").values_list("source_image", flat=True),
    }


def remove_orphans(*, older_than: timedelta, dry_run: bool) -> OrphanReport:
    """Remove files of the library that no row names, and count rows whose file is gone or not whole.

    Younger files are never touched: a worker may be about to commit their row.
    """
    report = orphans.sweep(PREFIX, known, older_than=older_than, dry_run=dry_run)
    return OrphanReport(files=report.files, bytes=report.bytes, rows_without_file=_rows_without_file())


def _only(rows: VideoQuerySet) -> Video:
    video = rows.first()
    if video is None:
        raise VideoNotFound
    return video


def _save(source: Path, name: str, undo: contextlib.ExitStack, on_chunk: Callable[[], None] | None) -> str:
    # Registered first: a save that fails half-way leaves its half under this name.
    undo.callback(_remove, [name])
    with source.open("rb") as handle:
        return default_storage.save(name, _Watched(handle, on_chunk) if on_chunk else File(handle))


def _delete_row(video: Video) -> list[str]:
    deleted, _ = Video.objects.filter(pk=video.pk).delete()
    if not deleted:
        raise VideoNotFound
    return [name for name in (video.file, video.poster, video.source_image) if name]


def _remove(names: Iterable[str]) -> bool:
    removed = [orphans.remove(name) for name in names]  # all of them, also after a failure
    return all(removed)


def _rows_without_file() -> int:
    found = 0
    for video in _all_videos():
        fault = _fault(video)
        if fault and Video.objects.filter(pk=video.pk).exists():  # and was not deleted since it was listed
            logger.error("video %s %s", video.pk, fault)
            found += 1
    return found


def _all_videos() -> Iterator[Video]:
    """Return every video, read in pieces: no query stays open while the storage is asked about each."""
    rows = Video.objects.only("file", "poster", "size_bytes").order_by("pk")
    last = uuid.UUID(int=0)
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        yield from batch
        last = batch[-1].pk


def _fault(video: Video) -> str:
    """Say what is wrong with the stored files of a video; "" if nothing is."""
    lost = "has lost a file in the storage"
    if not (default_storage.exists(video.poster) and default_storage.exists(video.file)):
        return lost
    try:
        size = default_storage.size(video.file)
    except FileNotFoundError:  # removed since it was seen
        return lost
    if size != video.size_bytes:
        return f"has {size} bytes in the storage instead of {video.size_bytes}"
    return ""
