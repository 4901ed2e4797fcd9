"""The folder in which one worker process makes one job's video, on the worker's own machine.

Its name says which process has which job at work: a supervisor reads it when a process has died.
"""

import contextlib
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings


@contextlib.contextmanager
def folder(job_id: uuid.UUID) -> Iterator[Path]:
    """Give this process an empty folder for a job, gone at the end of the block. Raise OSError."""
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    made = tempfile.TemporaryDirectory(
        prefix=f"job-{os.getpid()}-{job_id.hex}-", dir=settings.WORK_DIR, ignore_cleanup_errors=True
    )
    with made as name:
        yield Path(name)


def jobs_of(pids: Iterable[int]) -> set[uuid.UUID]:
    """Return the jobs that these dead processes had at work, and those of earlier ones so numbered."""
    found = [path.name.split("-") for pid in pids for path in settings.WORK_DIR.glob(f"job-{pid}-*-*")]
    return {uuid.UUID(parts[2]) for parts in found}


def remove_abandoned(*, dry_run: bool = False) -> int:
    """Remove folders that killed workers left on this machine; return how many."""
    before = time.time() - settings.ORPHAN_AGE.total_seconds()
    found = [path for path in settings.WORK_DIR.glob("job-*") if _changed(path) < before]
    if not dry_run:
        for path in found:
            shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its worker has just finished
        return math.inf
