"""The worker's side of a render: a process that can be killed, and what it says until it ends.

A crash, an endless loop in native code or a hostile picture ends the process, never the worker. The other
side is `jobs.render_child`; `jobs.kept` has processes that live on.
"""

import contextlib
import dataclasses
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from jobs import channel, child_environment
from jobs.channel import Message
from jobs.providers.base import FailureCode, ProviderError

logger = logging.getLogger(__name__)

READ_BYTES = 65536
TAIL_BYTES = 3000
LOOK_SECONDS = 1.0  # between two looks at a silent child: has it ended?
LINGER_SECONDS = 5.0  # between the end of what it says and its own
PEAK_UNIT = 1024 * 1024 if sys.platform == "darwin" else 1024  # of ru_maxrss, in a megabyte


class MemoryWanted(ProviderError):
    """The process was ended for want of memory, as far as its end tells."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What one render may take: megabytes of memory (0: as many as it likes), and seconds."""

    memory_mb: int
    seconds: float


class Process:
    """A process that renders: `python -m` with `arguments`, its standard error in `log`.

    `memory_mb` is what it may take, 0 for as many as it likes: it sees to that itself.
    """

    def __init__(self, *arguments: str, log: IO[bytes], memory_mb: int) -> None:
        self._memory_mb = memory_mb
        self._peak_mb = 0
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=settings.BASE_DIR,
            env=child_environment.make(),
            start_new_session=True,  # a group of its own: what it starts can be killed with it
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, content: dict[str, Any]) -> None:
        """Write a line to its standard input; if it has ended, reading says how."""
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(BrokenPipeError):
            # The pipe stays open: the process ends itself when it is closed, as it is if this one dies.
            self._process.stdin.write(json.dumps(content).encode() + b"\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Leave no process of its group behind."""
        # The group, also when the process itself has ended: it may have left others.
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # macOS forbids what is no longer there
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self.ended_within(LINGER_SECONDS):
            logger.error("render process %s: killed, but the kernel holds on to it", self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(BrokenPipeError):  # what could not be sent is flushed once more
                if pipe:
                    pipe.close()

    def messages(self, *, patience: float, seconds: float) -> Iterator[Message]:
        """Yield what it says until it ends.

        Raise ProviderError if it is silent for `patience` seconds, works for longer than `seconds`, talks
        nonsense, or ends without a result.
        """
        pending = b""
        for chunk in self._chunks(patience, seconds):
            *lines, pending = (pending + chunk).split(b"\n")
            yield from map(channel.read, lines)
            if len(pending) > channel.LONGEST_LINE:
                raise channel.nonsense(pending)
        raise self._end()

    def _chunks(self, patience: float, seconds: float) -> Iterator[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        pipe = self._process.stdout.fileno()
        heard = time.monotonic()
        end = heard + seconds
        while True:
            now = time.monotonic()
            if now >= end:
                raise _hung(seconds)
            wait = min(heard + patience, end) - now
            # A look in any case: if this process was held up itself, what it waits for lies there already.
            if select.select([pipe], [], [], max(0.0, min(wait, LOOK_SECONDS)))[0]:
                if not (chunk := os.read(pipe, READ_BYTES)):
                    return
                yield chunk
                heard = time.monotonic()  # now: what was made of it may have taken a while
            elif wait <= 0:
                raise _hung(None)
            elif self.ended_within(0):  # and yet somebody holds its end of the pipe: a child of its own
                yield from _rest(pipe, end)  # what it said between our look and its end
                return

    def ended_within(self, seconds: float) -> bool:
        """Wait for the process to end, and note what memory it had taken; return whether it has."""
        deadline = time.monotonic() + seconds
        while self._process.returncode is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._peak_mb = usage.ru_maxrss // PEAK_UNIT
            elif time.monotonic() >= deadline:
                return False
            else:
                time.sleep(0.01)
        return True

    def _end(self) -> ProviderError:
        """Return the error for a process that said all it would and gave no result."""
        if not self.ended_within(LINGER_SECONDS):
            detail = f"The render process closed its channel without a result, and lived on. {self._tail()}"
            return ProviderError(FailureCode.INTERNAL_ERROR, detail)
        code = self._process.returncode
        if code == channel.OUT_OF_MEMORY or (code == -signal.SIGABRT and b"bad_alloc" in self._last_lines()):
            detail = f"The render used more than {self._memory_mb} MB of memory. {self._tail()}"
            return MemoryWanted(FailureCode.INTERNAL_ERROR, detail, retryable=True)
        if code < 0:  # a crash or the kernel's memory killer: it may go better next time
            detail = f"The render process was ended by {_signal(-code)}. {self._memory()} {self._tail()}"
            kind = MemoryWanted if code == -signal.SIGKILL else ProviderError
            return kind(FailureCode.INTERNAL_ERROR, detail, retryable=True)
        return ProviderError(
            FailureCode.INTERNAL_ERROR, f"The render process failed ({code}). {self._tail()}"
        )

    def _memory(self) -> str:
        allowed = f", of {self._memory_mb}." if self._memory_mb else "."
        return f"It had taken {self._peak_mb} MB of memory{allowed}"

    def _tail(self) -> str:
        return channel.clean(self._last_lines().decode(errors="replace"))

    def _last_lines(self) -> bytes:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES))


@contextlib.contextmanager
def started(spec: dict[str, Any], folder: Path, ceilings: Ceilings) -> Iterator[Process]:
    """Start a process for one render; nothing of it is left after the block."""
    log = (folder / "child.log").open("w+b")  # kept open: the process may put anything in its place
    process = Process("jobs.render_child", log=log, memory_mb=ceilings.memory_mb)
    try:
        process.send({**spec, "limits": {**dataclasses.asdict(ceilings), "worker": os.getpid()}})
        yield process
    finally:
        process.end()


def _hung(limit: float | None) -> ProviderError:
    if limit is not None:
        return ProviderError(
            FailureCode.PROVIDER_TIMEOUT, f"The render passed its time limit of {limit:g} seconds."
        )
    detail = "The render made no progress within the lease and was ended."
    return ProviderError(FailureCode.PROVIDER_TIMEOUT, detail, retryable=True)


def _rest(pipe: int, end: float) -> Iterator[bytes]:
    # To the end of the time limit at most: whoever holds the pipe may go on filling it.
    while select.select([pipe], [], [], 0)[0] and time.monotonic() < end:
        if not (chunk := os.read(pipe, READ_BYTES)):
            return
        yield chunk


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:  # a real-time one
        name = "no name"
    killed = ": killed from outside, perhaps by the kernel for want of memory" if name == "SIGKILL" else ""
    return f"signal {number} ({name}{killed})"
