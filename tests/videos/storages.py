"""Storages that fail the way disks and networks do."""

import errno
import shutil
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from videos import library
from videos.models import Video


class KeepsEverything(FileSystemStorage):
    """Will not delete."""

    def delete(self, name):
        raise OSError(errno.EROFS, "read-only file system")


class KeepsPosters(FileSystemStorage):
    """Deletes videos only."""

    def delete(self, name):
        if name.endswith(".jpg"):
            raise OSError(errno.EROFS, "read-only file system")
        super().delete(name)


class FullAtThePoster(FileSystemStorage):
    """Runs out of space when half of the poster is written."""

    def _save(self, name, content):
        if name.endswith(".jpg"):
            content.open()
            half = content.read(len(content) // 2)
            with open(self.path(name), "wb") as file:
                file.write(half)
            raise OSError(errno.ENOSPC, "no space left on device")
        return super()._save(name, content)


class Away(FileSystemStorage):
    """Does not answer, as a lost network mount."""

    def size(self, name):
        raise OSError(errno.EIO, "input/output error")


class DeletesTheRow(FileSystemStorage):
    """Somebody deletes the video just before its file is looked for."""

    def exists(self, name):
        for video in Video.objects.filter(file=name):
            library.delete(video)
        return super().exists(name)


class CutsShort(FileSystemStorage):
    """Keeps half of a file and says nothing, as a disk after a power cut."""

    def _save(self, name, content):
        return super()._save(name, ContentFile(content.read(len(content) // 2)))


class ReadsByItself(FileSystemStorage):
    """Copies by `read()`, as object stores do, and not by `chunks()`."""

    def _save(self, name, content):
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file, 16 * 1024)
        return name
