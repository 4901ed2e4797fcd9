"""Looks into files that came from outside, in a process that may die of them.

It lives on from file to file: starting one for each would cost more than the looking. The child's side is
`jobs.examiner_child`.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs import channel, child_environment
from jobs.images import Original, Picture
from jobs.providers.base import FailureCode, ProviderError, Rendered

PATIENCE = 60.0  # seconds for one file
TRIES = 2  # a process that is gone may have been killed for another's sake
READ_BYTES = 65536


class Examiner:
    """One examining process, started when it is needed and used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def picture(
        self, original: Original, folder: Path, *, failure: FailureCode, resolution: str = ""
    ) -> Picture:
        """Return the picture as a plain JPEG in `folder`, within the frame of a video of that resolution.

        Without one it has the size it came in. Raise ProviderError with `failure`, or a retryable one if the
        process dies again and again.
        """
        original_as_json = {"path": str(original.path), "name": original.name, "remark": original.remark}
        asked = {"original": original_as_json, "folder": str(folder), "failure": failure.value}
        found = self._ask("picture", {**asked, "resolution": resolution})
        return Picture(**{**found, "path": Path(found["path"])})

    def video(self, path: Path, folder: Path, *, seconds: float) -> Rendered:
        """Return what the file is, with a poster made in `folder`; `seconds` is what was asked for.

        Raise ProviderError if it is no MP4 that plays for about so long, or a retryable one if the process
        dies again and again.
        """
        said = self._ask("video", {"path": str(path), "folder": str(folder), "seconds": seconds})
        rendered = channel.read(json.dumps({"done": said}).encode())
        assert isinstance(rendered, Rendered)  # noqa: S101 - of `done`
        channel.require_own(rendered, folder)
        return rendered

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, verb: str, content: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            for _ in range(TRIES):
                try:
                    return self._exchange(json.dumps({verb: content}).encode() + b"\n")
                except (BrokenPipeError, EOFError, TimeoutError) as error:
                    self._end()
                    died = not isinstance(error, TimeoutError)
        detail = f"The process that looked into the file {'died of it' if died else 'came to no end'}."
        # Whoever died may have been killed from outside; whoever came to no end was held up by the file.
        raise ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=died)

    def _exchange(self, line: bytes) -> dict[str, Any]:
        process = self._running()
        assert process.stdin and process.stdout  # noqa: S101, PT018 - asked for
        process.stdin.write(line)
        process.stdin.flush()
        answer, end = b"", time.monotonic() + PATIENCE
        while not answer.endswith(b"\n"):
            if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), READ_BYTES)
            if not piece or len(answer) > channel.LONGEST_LINE:
                raise EOFError
            answer += piece
        [(kind, content)] = json.loads(answer).items()
        if kind == "error":
            raise ProviderError(FailureCode(content["code"]), channel.clean(content["detail"]))
        found: dict[str, Any] = content
        return found

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jobs.examiner_child",
                    str(os.getpid()),
                    str(settings.RENDER_MEMORY_MB),
                ],
                env=child_environment.make(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=settings.BASE_DIR,
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()
