"""Pictures that users upload: kept as they came, looked at only by the render process."""

import hashlib
import logging
import uuid
from pathlib import PurePosixPath
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage

from base.ids import uuid7
from jobs.errors import InvalidOrder, StorageAway
from jobs.models import Job
from videos import orphans

logger = logging.getLogger(__name__)

PREFIX = "uploads"


def digest(file: File[Any]) -> bytes:
    """Return the SHA-256 of a file, and leave it at its beginning."""
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.digest()


def keep(file: File[Any]) -> str:
    """Store an uploaded picture and return our name for it. Raise StorageAway; then nothing is kept."""
    name = _name(uuid7())
    try:
        return default_storage.save(name, file)
    except OSError as error:
        logger.exception("an upload could not be stored")
        drop(name)  # a save that fails half-way leaves its half
        raise StorageAway from error


def drop(name: str) -> None:
    """Remove an upload that no job took; what can't be removed now is left to the clean-up."""
    if name:
        orphans.remove(name)


def shown_name(name: str | None) -> str:
    """Return the user's file name, safe to keep and show: its last part, printable, 200 characters."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable())[-200:]


def copy_for_rerun(job: Job) -> str:
    """Return the name of a copy of the job's uploaded picture, "" if it had none. Raise InvalidOrder."""
    if job.generation_type != "image_to_video" or job.image_url:
        return ""
    name = job.upload or (job.video.source_image if job.video else "")
    try:
        with default_storage.open(name) as picture:
            return keep(picture)
    except FileNotFoundError as error:
        raise InvalidOrder("The uploaded picture of this job is no longer kept.") from error


def _name(upload_id: uuid.UUID) -> str:
    # The last byte of a UUIDv7 is random: it spreads the files over 256 folders.
    return f"{PREFIX}/{upload_id.hex[-2:]}/{upload_id.hex}"
