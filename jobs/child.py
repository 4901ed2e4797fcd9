"""The worker's side of a render: a child process that can be killed, and what it says until it ends.

A crash, an endless loop in native code or a hostile picture ends the child, never the worker. The child's
side is `jobs.render_child`.
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
from types import TracebackType
from typing import Any, Self

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What one render may take: megabytes of memory (0: as many as it likes), and seconds."""

    memory_mb: int
    seconds: float


class Child:
    """A render process; use it as a context manager, which leaves no process of its group behind."""

    def __init__(self, spec: dict[str, Any], folder: Path, ceilings: Ceilings) -> None:
        self._ceilings = ceilings
        self._peak_mb = 0
        self._log = (folder / "child.log").open("w+b")  # kept: the child may put anything in its place
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobs.render_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=settings.BASE_DIR,
            env=child_environment.make(),
            start_new_session=True,  # a group of its own: what it starts can be killed with it
        )
        self._send({**spec, "limits": {**dataclasses.asdict(ceilings), "worker": os.getpid()}})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The group, also when the child itself has ended: it may have left others.
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # macOS forbids what is no longer there
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self._ended_within(LINGER_SECONDS):
            logger.error("render process %s: killed, but the kernel holds on to it", self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(BrokenPipeError):  # what could not be sent is flushed once more
                if pipe:
                    pipe.close()

    def messages(self, *, patience: float) -> Iterator[Message]:
        """Yield what the child says until it ends.

        Raise ProviderError if it is silent for `patience` seconds, works past its time limit, talks nonsense,
        or ends without a result.
        """
        pending = b""
        for chunk in self._chunks(patience):
            *lines, pending = (pending + chunk).split(b"\n")
            yield from map(channel.read, lines)
            if len(pending) > channel.LONGEST_LINE:
                raise channel.nonsense(pending)
        raise self._end()

    def _chunks(self, patience: float) -> Iterator[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        pipe = self._process.stdout.fileno()
        heard = time.monotonic()
        end = heard + self._ceilings.seconds
        while True:
            now = time.monotonic()
            wait = min(heard + patience, end) - now
            if wait <= 0:
                raise self._hung(past_limit=now >= end)
            if select.select([pipe], [], [], min(wait, LOOK_SECONDS))[0]:
                if not (chunk := os.read(pipe, READ_BYTES)):
                    return
                yield chunk
                heard = time.monotonic()  # now: what was made of it may have taken a while
            elif self._ended_within(0):  # and yet somebody holds its end of the pipe: a child of its own
                yield from _rest(pipe, end)  # what it said between our look and its end
                return

    def _send(self, spec: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        try:
            # The pipe stays open: the child ends itself when it is closed, as it is if this process dies.
            self._process.stdin.write(json.dumps(spec).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; reading says how

    def _ended_within(self, seconds: float) -> bool:
        """Wait for the child to end, and note what memory it had taken."""
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

    def _hung(self, *, past_limit: bool) -> ProviderError:
        if past_limit:
            limit = self._ceilings.seconds
            return ProviderError(
                FailureCode.PROVIDER_TIMEOUT, f"The render passed its time limit of {limit:g} seconds."
            )
        detail = "The render made no progress within the lease and was ended."
        return ProviderError(FailureCode.PROVIDER_TIMEOUT, detail, retryable=True)

    def _end(self) -> ProviderError:
        """Return the error for a child that said all it would and gave no result."""
        if not self._ended_within(LINGER_SECONDS):
            detail = f"The render process closed its channel without a result, and lived on. {self._tail()}"
            return ProviderError(FailureCode.INTERNAL_ERROR, detail)
        code = self._process.returncode
        if code == channel.OUT_OF_MEMORY or (code == -signal.SIGABRT and b"bad_alloc" in self._last_lines()):
            detail = f"The render used more than {self._ceilings.memory_mb} MB of memory. {self._tail()}"
            return ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True)
        if code < 0:  # a crash or the kernel's memory killer: it may go better next time
            detail = f"The render process was ended by {_signal(-code)}. {self._memory()} {self._tail()}"
            return ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True)
        return ProviderError(
            FailureCode.INTERNAL_ERROR, f"The render process failed ({code}). {self._tail()}"
        )

    def _memory(self) -> str:
        allowed = self._ceilings.memory_mb
        return f"It had taken {self._peak_mb} MB of memory" + (f", of {allowed}." if allowed else ".")

    def _tail(self) -> str:
        return channel.clean(self._last_lines().decode(errors="replace"))

    def _last_lines(self) -> bytes:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES))


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
