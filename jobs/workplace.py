"""The folder in which one worker process makes one job's video, on the worker's own machine.

Its name says which process of which cluster has which job at work: the supervisor reads it when a process has
died. The cluster is named since containers may share the disk, and number their processes alike.
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

from jobs import workers


@contextlib.contextmanager
def folder(job_id: uuid.UUID) -> Iterator[Path]:
    """Give this process an empty folder for a job, gone at the end of the block. Raise OSError."""
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    prefix = f"job-{workers.own_id()}-{os.getpid()}-{job_id.hex}-"
    made = tempfile.TemporaryDirectory(prefix=prefix, dir=settings.WORK_DIR, ignore_cleanup_errors=True)
    with made as name:
        yield Path(name)


def jobs_of(worker_id: str, pids: Iterable[int]) -> set[uuid.UUID]:
    """Return the jobs that these dead processes of a cluster had at work."""
    dead = {str(pid) for pid in pids}
    names = [path.name.split("-")[-3:] for path in _folders_of(worker_id)]
    return {uuid.UUID(job_id) for pid, job_id, _ in names if pid in dead}


def clear(worker_id: str) -> None:
    """Remove what a cluster left of which no process is left."""
    for path in _folders_of(worker_id):
        shutil.rmtree(path, ignore_errors=True)


def _folders_of(worker_id: str) -> list[Path]:
    owner = f"job-{worker_id}"
    return [path for path in settings.WORK_DIR.glob("job-*") if path.name.rsplit("-", 3)[0] == owner]


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
