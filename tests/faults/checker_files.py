"""No file without a row, no row without its files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults.checker_books import Books
from tests.faults.client_journal import Order


def check(books: Books, orders: list[Order], media: Path) -> Iterator[str]:
    """Yield a line for each violation. The clean-up must have been run: what a kill orphaned is gone."""
    files, owners = stored(media), _owners(books)
    for name, path in sorted(orphans(books, media).items()):
        yield f"files: {name} ({path.stat().st_size} bytes) belongs to no row"
    for name in sorted(owners.keys() - files.keys()):
        yield f"files: {owners[name]} has lost {name}"
    for video in books.videos:
        path = files.get(video["file"])
        if path and path.stat().st_size != video["size_bytes"]:
            size = path.stat().st_size
            yield f"files: video {video['id']} has {size} bytes instead of {video['size_bytes']}"
        poster = files.get(video["poster"])
        if poster and not _is_whole_jpeg(poster.read_bytes()):
            yield f"files: the poster of video {video['id']} is not a whole JPEG"
    yield from _uploads(books, orders, files)


def stored(media: Path) -> dict[str, Path]:
    """Return all files that are stored, by the names that rows have for them."""
    return {str(path.relative_to(media)): path for path in media.rglob("*") if path.is_file()}


def orphans(books: Books, media: Path) -> dict[str, Path]:
    """Return the files that belong to no row, by their names."""
    owners = _owners(books)
    return {name: path for name, path in stored(media).items() if name not in owners}


def _owners(books: Books) -> dict[str, str]:
    owners: dict[str, str] = {}
    for video in books.videos:
        owners |= {video[name]: f"video {video['id']}" for name in ("file", "poster", "source_image")}
    owners |= {job["upload"]: f"job {job['id']}" for job in books.jobs}
    owners.pop("", None)
    return owners


def _is_whole_jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")


def _uploads(books: Books, orders: list[Order], files: dict[str, Path]) -> Iterator[str]:
    """Each uploaded picture is what its client sent, whether the job has it or already the video."""
    jobs = {job["id"]: job for job in books.jobs}
    videos = {video["id"]: video for video in books.videos}
    for order in orders:
        job = jobs.get(order.job_id)
        if not order.picture or job is None:
            continue
        video = videos.get(job["video_id"] or "")
        name = video["source_image"] if video else job["upload"]
        if not name and not order.was_deleted:
            yield f"files: job {job['id']} ({job['status']}) has lost the picture that came with it"
        if name in files and hashlib.sha256(files[name].read_bytes()).hexdigest() != order.picture:
            yield f"files: {name} of job {job['id']} is not what the client sent"
