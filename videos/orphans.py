"""Finding and removing stored files that no row names; works for any prefix of the storage."""

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

logger = logging.getLogger(__name__)

BATCH = 500

Known = Callable[[list[str]], set[str]]
"""Given storage names, returns those that some row stands on."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How many orphans there were (with `dry_run`) or were removed (without), and their size in bytes."""

    files: int
    bytes: int


def sweep(prefix: str, known: Known, *, older_than: timedelta, dry_run: bool) -> Report:
    """Remove the files under `prefix` that are older than `older_than` and not `known`.

    Files are listed before rows are asked for, so that a row committed meanwhile protects its file.
    """
    files = bytes_ = 0
    old = _older_than(_names(prefix), timezone.now() - older_than)
    while batch := list(itertools.islice(old, BATCH)):
        spared = known([name for name in batch if _is_text(name)])
        for name in batch:
            if name not in spared:
                size = _take(name, dry_run=dry_run)
                files, bytes_ = files + (size is not None), bytes_ + (size or 0)
    return Report(files=files, bytes=bytes_)


def remove(name: str) -> bool:
    """Delete one stored file; log and return False if the storage does not let it go."""
    try:
        default_storage.delete(name)
    except OSError:
        logger.exception("could not remove %s from the storage", name)
        return False
    return True


def _names(folder: str) -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # nothing was ever stored here, or it has just been removed
        return
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from _names(f"{folder}/{name}")


def _is_text(name: str) -> bool:
    """Tell whether a row can name it: the disk takes any bytes for a name, a database only text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _older_than(names: Iterator[str], moment: datetime) -> Iterator[str]:
    for name in names:
        try:
            modified = default_storage.get_modified_time(name)
        except FileNotFoundError:  # deleted since it was listed
            continue
        if modified < moment:
            yield name


def _take(name: str, *, dry_run: bool) -> int | None:
    """Return the size of an orphan that was (or would be) removed, or None."""
    try:
        size = default_storage.size(name)
    except FileNotFoundError:
        return None
    logger.info("%s is an orphan of %d bytes", name, size)  # what goes for ever leaves its name
    return size if dry_run or remove(name) else None
