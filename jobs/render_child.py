"""The child process of a render: `python -m jobs.render_child`, one JSON specification on standard input.

It says what happens in JSON lines on standard output: `accepted`, `progress`, `done` or `error`. It has no
database or storage, works within the limits that the specification names, and ends itself when its
parent is gone.
"""

import contextlib
import errno
import functools
import json
import os
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from django.utils.module_loading import import_string

from jobs import channel, formats, images, limits
from jobs.providers.base import FailureCode, Generation, LocalProvider, ProviderError

STEP_CHARACTERS = 100
TRACEBACK_CHARACTERS = 3000


def main() -> None:
    """Do what standard input says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoapi.settings")
    say = Channel().say
    spec = json.loads(sys.stdin.readline())
    limits.apply(**spec["limits"])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer(functools.partial(_work, spec, say), say)


class Channel:
    """What was standard output, kept apart from what libraries may print."""

    def __init__(self) -> None:
        self._output = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, kind: str, content: dict[str, Any]) -> None:
        self._output.write(json.dumps({kind: content}) + "\n")


Say = Callable[[str, dict[str, Any]], None]


def answer(work: Callable[[], dict[str, Any]], say: Say) -> None:
    """Do the work and say what came of it. If memory is refused, end the process."""
    try:
        say("done", work())
    except ProviderError as error:
        _say_error(say, error)
    except MemoryError as error:
        _end_without_memory(error)
    except OSError as error:
        if error.errno == errno.ENOMEM:
            _end_without_memory(error)
        # The disk is full or fails, or a file grew too large: perhaps not the next time.
        detail = traceback.format_exc()[-TRACEBACK_CHARACTERS:]
        _say_error(say, ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True))


def _end_without_memory(error: BaseException) -> NoReturn:
    """Leave the traceback in the log and end, with as little memory as can be."""
    traceback.clear_frames(error.__traceback__)  # what they held is free again
    with contextlib.suppress(MemoryError):
        traceback.print_exception(error)
    os._exit(channel.OUT_OF_MEMORY)


def _work(spec: dict[str, Any], say: Say) -> dict[str, Any]:
    folder = Path(spec["folder"])
    say("progress", {"share": 0.0, "step": "Preparing"})
    image = _picture(spec["image"], folder, FailureCode.INVALID_IMAGE)
    portrait = _picture(spec["portrait"], folder, FailureCode.REFERENCE_ERROR)
    generation = generation_of(spec["generation"], image, portrait)
    provider: LocalProvider = import_string(spec["provider"])()
    say("accepted", {})

    def report(share: float, step: str) -> None:
        say("progress", progress(share, step))

    return channel.as_json(provider.generate(generation, folder, report))


def progress(share: float, step: str) -> dict[str, Any]:
    """Return the content of `progress`."""
    return {"share": share, "step": step[:STEP_CHARACTERS]}


def generation_of(
    given: dict[str, Any], image: images.Picture | None, portrait: images.Picture | None
) -> Generation:
    """Return what a specification asks for, with its pictures, which are prepared."""
    fields = {**given, "job_id": uuid.UUID(given["job_id"])}
    resolution, aspect_ratio = fields.pop("resolution"), fields.pop("aspect_ratio")
    if image:
        width, height = formats.fit(resolution, image.width, image.height)
    else:
        width, height = formats.frame_size(resolution, aspect_ratio)
    return Generation(
        **fields,
        width=width,
        height=height,
        image=image.path if image else None,
        portrait=portrait.path if portrait else None,
    )


def _picture(given: dict[str, str] | None, folder: Path, failure: FailureCode) -> images.Picture | None:
    if given is None:
        return None
    original = images.Original(path=Path(given["path"]), name=given["name"], remark=given["remark"])
    return images.prepare(original, folder, failure=failure)


def _say_error(say: Say, error: ProviderError) -> None:
    detail = error.detail[: channel.LONGEST_TEXT]
    say("error", {"code": error.code.value, "detail": detail, "retryable": error.retryable})


def _end_with_parent() -> None:
    while sys.stdin.read(1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
