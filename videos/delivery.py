"""Sending a stored file over HTTP: ranges, validators, and memory that stays flat.

Django's FileResponse reads a whole file into memory under ASGI; here one chunk is in memory at a time,
read in a thread, so that the event loop never waits for a disk.
"""

import asyncio
import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from base.errors import DomainError
from videos import links, pictures, ranges
from videos.models import Video

logger = logging.getLogger(__name__)

CHUNK = 256 * 1024
# A file that users sent, opened as a page of its own, is nobody's page: it can run, load and reach nothing.
POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_KINDS = {
    links.VIDEO: pictures.Kind("video/mp4", ".mp4"),
    links.POSTER: pictures.Kind("image/jpeg", ".jpg"),
}


class FileGone(DomainError):
    """This file is no longer here."""

    code = "not_found"


class FileUnavailable(DomainError):
    """This file cannot be read right now. Please try again shortly."""

    code = "unavailable"


class PreconditionFailed(APIException):
    """`If-Match` or `If-Unmodified-Since` did not hold."""

    status_code = 412
    default_detail = "The file is not the one that the request's conditions name."
    default_code = "precondition_failed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file to send. Its `name` in the storage is never used for other content; `max_age` is seconds."""

    name: str
    media_type: str
    download_name: str
    modified: datetime
    max_age: int


def file_of(video: Video, name: str, *, max_age: int) -> Stored:
    """Return the file that `name` (one of `videos.links`) means. Raise FileGone or FileUnavailable."""
    stored = {links.VIDEO: video.file, links.POSTER: video.poster, links.SOURCE: video.source_image}[name]
    if not stored:
        raise FileGone
    kind = _KINDS.get(name)
    if kind is None:
        with _storage(stored):
            kind = pictures.stored_kind(stored)
    return Stored(
        name=stored,
        media_type=kind.media_type,
        download_name=f"{name.partition('.')[0]}-{video.pk}{kind.suffix}",
        modified=video.created_at,
        max_age=max_age,
    )


def release_connection() -> None:
    """Give the database connection back: a stream lasts as long as its client likes, the pool is small."""
    if not connection.in_atomic_block:
        connection.close()


def answer(request: Request, stored: Stored) -> HttpResponseBase:
    """Return 200, 206 or 304. Raise RangeNotSatisfiable, PreconditionFailed, FileGone or FileUnavailable."""
    with _storage(stored.name):
        size = default_storage.size(stored.name)
    headers = _headers(request, stored, size)
    whole = HttpResponse(headers=headers)
    modified = int(stored.modified.timestamp())
    checked = get_conditional_response(request, headers["ETag"], modified, whole) or whole
    if checked.status_code == PreconditionFailed.status_code:
        raise PreconditionFailed
    if checked is not whole:
        return checked
    if request.method == "HEAD":
        whole["Content-Length"] = size
        return whole
    span = ranges.parse(request.headers.get("Range", ""), size) if _range_applies(request, headers) else None
    return _stream(
        request, stored.name, span or ranges.Span(0, size, size), headers, partial=span is not None
    )


def _headers(request: Request, stored: Stored, size: int) -> dict[str, str]:
    disposition = content_disposition_header("download" in request.query_params, stored.download_name)
    digest = hashlib.sha256(f"{stored.name}:{size}".encode()).hexdigest()
    return {
        "Content-Type": stored.media_type,
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest[:32]}"',
        "Last-Modified": http_date(stored.modified.timestamp()),
        "Cache-Control": f"private, max-age={stored.max_age}, immutable",
        "Content-Disposition": disposition or "inline",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": POLICY,
    }


def _range_applies(request: Request, headers: dict[str, str]) -> bool:
    """Return whether `If-Range` still names the file as it is: its strong ETag or its exact date."""
    condition = request.headers.get("If-Range")
    return condition is None or condition in (headers["ETag"], headers["Last-Modified"])


def _stream(
    request: Request, name: str, span: ranges.Span, headers: dict[str, str], *, partial: bool
) -> StreamingHttpResponse:
    with _storage(name):
        chunks = _Chunks(default_storage.open(name), span)
    is_asgi = hasattr(request, "scope")
    response = StreamingHttpResponse(
        _ChunksInThreads(chunks) if is_asgi else chunks, status=206 if partial else 200, headers=headers
    )
    response["Content-Length"] = span.length
    if partial:
        response["Content-Range"] = span.content_range
    return response


@contextlib.contextmanager
def _storage(name: str) -> Iterator[None]:
    """Say what the storage's failures mean to a client."""
    try:
        yield
    except FileNotFoundError as error:
        logger.exception("%s is not in the storage", name)
        raise FileGone from error
    except OSError as error:
        logger.exception("%s cannot be read", name)
        raise FileUnavailable from error


class _Chunks:
    """The bytes of a span, chunk by chunk. Django calls `close` when the client goes away, too."""

    def __init__(self, file: "File[bytes]", span: ranges.Span) -> None:
        self._file = file
        self._span = span

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._span.start)
        left = self._span.length
        while left and (chunk := self._file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()


class _ChunksInThreads:
    """The same for an event loop."""

    def __init__(self, chunks: _Chunks) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._chunks)
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk

    def close(self) -> None:
        self._chunks.close()
