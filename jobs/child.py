"""The worker's side of a render: a child process that can be killed, and the lines it sends.

A crash, an endless loop in native code or a hostile picture ends the child, never the worker. The child's
side is `jobs.render_child`.
"""

import contextlib
import dataclasses
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from jobs.providers.base import FailureCode, ProviderError

READ_BYTES = 65536
TAIL_BYTES = 4000


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One line from the child: `accepted`, `progress`, `done` or `error`, and its content."""

    kind: str
    content: dict[str, Any]


class Child:
    """A render process; use it as a context manager, which leaves no process behind."""

    def __init__(self, spec: dict[str, Any], folder: Path) -> None:
        self._log = folder / "child.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jobs.render_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=settings.BASE_DIR,
            )
        self._send(spec)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):  # what could not be sent is flushed once more
                if pipe:
                    pipe.close()

    def messages(self, *, patience: float, limit: float) -> Iterator[Message]:
        """Yield what the child says until it ends.

        Raise ProviderError if it is silent for `patience` seconds, works for more than `limit` seconds, or
        ends without a result.
        """
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        pipe, pending = self._process.stdout.fileno(), b""
        end = time.monotonic() + limit
        while True:
            wait = min(patience, end - time.monotonic())
            if wait <= 0 or not select.select([pipe], [], [], wait)[0]:
                raise self._hung(past_limit=time.monotonic() >= end)
            if not (chunk := os.read(pipe, READ_BYTES)):
                break
            *lines, pending = (pending + chunk).split(b"\n")
            yield from map(_message, lines)
        raise self._ended()

    def _send(self, spec: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        try:
            # The pipe stays open: the child ends itself when it is closed, as it is if this process dies.
            self._process.stdin.write(json.dumps(spec).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; reading says how

    def _hung(self, *, past_limit: bool) -> ProviderError:
        if past_limit:
            return ProviderError(FailureCode.PROVIDER_TIMEOUT, "The render passed its time limit.")
        detail = "The render made no progress within the lease and was ended."
        return ProviderError(FailureCode.PROVIDER_TIMEOUT, detail, retryable=True)

    def _ended(self) -> ProviderError:
        code = self._process.wait()
        if code < 0:  # a crash or the kernel's memory killer: it may go better next time
            detail = f"The render process was ended by signal {-code}. {self._tail()}"
            return ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True)
        detail = f"The render process failed ({code}). {self._tail()}"
        return ProviderError(FailureCode.INTERNAL_ERROR, detail)

    def _tail(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace").replace("\x00", "")


def _message(line: bytes) -> Message:
    content = json.loads(line)
    if "error" in content:
        error = content["error"]
        detail = error["detail"].replace("\x00", "")
        raise ProviderError(FailureCode(error["code"]), detail, retryable=error["retryable"])
    [(kind, value)] = content.items()
    return Message(kind, value)
