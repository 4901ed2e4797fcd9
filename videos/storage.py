"""The storage of a single machine: a folder of it, whose files outlive a power cut."""

import errno
import os
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class DurableFileStorage(FileSystemStorage):
    """Files that are on the disk, name and content, before `save` returns.

    Else a power cut could leave a committed, charged video with an empty file. Raise OSError where the disk
    does not confirm, leaving nothing behind.
    """

    def _save(self, name: str, content: File[Any]) -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]  # the stubs lack it
        try:
            _sync(self.path(saved))
            for folder in Path(saved).parents:  # up to the storage's own: any may be as new as the file
                sync_folder(self.path(str(folder)))
        except OSError:
            self.delete(saved)
            raise
        return saved


def sync_folder(folder: str) -> None:
    """Bring the names in a folder to the disk, where the file system knows how (some network ones don't)."""
    try:
        _sync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
