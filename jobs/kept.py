"""Render processes that are kept from job to job, for models that take long to load.

Each worker process keeps one at most: what two models load may not fit one machine. It is kept for as long
as its renders come to an end, or stop when they are told to; after anything else it is ended, which frees
what it holds, and the next job starts a new one. The other side is `jobs.kept_child`.
"""

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from jobs.channel import Stopped
from jobs.child import Ceilings, MemoryWanted, Process
from jobs.errors import JobLost
from jobs.examiner import Examiner
from jobs.images import Original
from jobs.providers.base import FailureCode, ProviderError

logger = logging.getLogger(__name__)

STOP_SECONDS = 15.0  # how long a render may take to notice that it is not wanted any more
LONGEST_LOG = 1024 * 1024
FAILURES = {"image": FailureCode.INVALID_IMAGE, "portrait": FailureCode.REFERENCE_ERROR}


class Keeper:
    """The process that is kept, if any; lent to one thread at a time.

    What it writes to its log is dropped before the next render once it is more than `longest_log` bytes.
    """

    def __init__(self, *, longest_log: int = LONGEST_LOG) -> None:
        self.longest_log = longest_log
        self._lock = threading.Lock()
        self._examiner = Examiner()
        self._process: Process | None = None
        self._log: IO[bytes] | None = None
        self._purpose = ""  # what the process was started for

    @contextlib.contextmanager
    def lend(self, spec: dict[str, Any], folder: Path, ceilings: Ceilings) -> Iterator[Process]:
        """Lend a process that was given what `spec` says. Raise ProviderError if its pictures are none."""
        # Pictures are opened elsewhere: whoever takes over a process by one has taken only that.
        order = {**spec, **self._prepared(spec, folder), "seconds": ceilings.seconds}
        with self._lock:
            process = self._fitting(spec, ceilings)
            process.send(order)
            try:
                yield process
            except JobLost:
                self._stop(process)
                raise
            except MemoryWanted as error:
                self._end()
                # what a model needs is no accident: it would be loaded again only to be killed again
                raise ProviderError(error.code, error.detail) from error
            except BaseException:
                self._end()
                raise

    def close(self) -> None:
        """End what is kept."""
        with self._lock:
            self._end()
        self._examiner.close()

    def _prepared(self, spec: dict[str, Any], folder: Path) -> dict[str, dict[str, Any] | None]:
        return {
            name: self._picture(spec[name], folder, failure) if spec[name] else None
            for name, failure in FAILURES.items()
        }

    def _picture(self, given: dict[str, str], folder: Path, failure: FailureCode) -> dict[str, Any]:
        original = Original(path=Path(given["path"]), name=given["name"], remark=given["remark"])
        picture = self._examiner.picture(original, folder, failure=failure)
        return {**dataclasses.asdict(picture), "path": str(picture.path)}

    def _fitting(self, spec: dict[str, Any], ceilings: Ceilings) -> Process:
        purpose = json.dumps(
            [spec["provider"], spec["generation"]["options"], ceilings.memory_mb], sort_keys=True
        )
        if self._process and (self._purpose != purpose or self._process.ended_within(0)):
            self._end()
        if self._process is None or self._log is None:
            self._log = _log()
            self._process = Process(
                "jobs.kept_child",
                str(os.getpid()),
                str(ceilings.memory_mb),
                log=self._log,
                memory_mb=ceilings.memory_mb,
            )
            self._purpose = purpose
            logger.info("render process %s: started, to be kept for %s", self._process.pid, spec["provider"])
        if self._log.seek(0, os.SEEK_END) > self.longest_log:
            self._log.truncate(0)
        return self._process

    def _stop(self, process: Process) -> None:
        """Have the process drop its render; end it if it does not."""
        process.send({"stop": True})
        with contextlib.suppress(ProviderError):
            said = process.messages(patience=STOP_SECONDS, seconds=STOP_SECONDS)
            if any(isinstance(message, Stopped) for message in said):
                return
        self._end()

    def _end(self) -> None:
        process, self._process, self._log = self._process, None, None
        if process:
            process.end()
            logger.info("render process %s: ended", process.pid)


def _log() -> IO[bytes]:
    """Return a file without a name. Whoever writes to it does so at its end, also after it was emptied."""
    log = tempfile.TemporaryFile("w+b", buffering=0, dir=settings.WORK_DIR)  # noqa: SIM115
    fcntl.fcntl(log, fcntl.F_SETFL, fcntl.fcntl(log, fcntl.F_GETFL) | os.O_APPEND)
    return log


keeper = Keeper()
