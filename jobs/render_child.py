"""The child process of a render: `python -m jobs.render_child`, one JSON specification on standard input.

It says what happens in JSON lines on standard output: `accepted`, `progress`, `done` or `error`. It has no
database, storage or network, and ends itself when its parent is gone.
"""

import dataclasses
import json
import os
import sys
import threading
import uuid
from pathlib import Path
from typing import IO, Any

from django.utils.module_loading import import_string

from jobs import formats, images
from jobs.providers.base import FailureCode, Generation, LocalProvider, ProviderError


def main() -> None:
    """Do what standard input says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoapi.settings")
    # Keep the channel apart from what libraries may print.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    spec = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _say(channel, "done", _work(spec, channel))
    except ProviderError as error:
        content = {"code": error.code.value, "detail": error.detail, "retryable": error.retryable}
        _say(channel, "error", content)


def _work(spec: dict[str, Any], channel: IO[str]) -> dict[str, Any]:
    folder = Path(spec["folder"])
    _say(channel, "progress", {"share": 0.0, "step": "Preparing"})
    generation = _prepare(spec, folder)
    provider: LocalProvider = import_string(spec["provider"])()
    _say(channel, "accepted", {})

    def report(share: float, step: str) -> None:
        _say(channel, "progress", {"share": share, "step": step})

    rendered = dataclasses.asdict(provider.generate(generation, folder, report))
    return {key: str(value) if isinstance(value, Path) else value for key, value in rendered.items()}


def _prepare(spec: dict[str, Any], folder: Path) -> Generation:
    fields = {**spec["generation"], "job_id": uuid.UUID(spec["generation"]["job_id"])}
    resolution, aspect_ratio = fields.pop("resolution"), fields.pop("aspect_ratio")
    image = _picture(spec["image"], folder, FailureCode.INVALID_IMAGE)
    portrait = _picture(spec["portrait"], folder, FailureCode.REFERENCE_ERROR)
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


def _say(channel: IO[str], kind: str, content: dict[str, Any]) -> None:
    channel.write(json.dumps({kind: content}) + "\n")


def _end_with_parent() -> None:
    while sys.stdin.read(1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
