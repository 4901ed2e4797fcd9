"""The examining process: one JSON line in, one out, for each file.

Started as `python -m jobs.examiner_child PARENT MEGABYTES`: whose end is its own, and the memory it may take.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from jobs import channel, images, limits
from jobs.images import Original
from jobs.providers import inspection
from jobs.providers.base import FailureCode, ProviderError

A_DAY = 86400


def main() -> None:
    """Answer until standard input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoapi.settings")
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # keep the channel apart from what libraries may print
    limits.apply(memory_mb=int(sys.argv[2]), seconds=A_DAY, worker=int(sys.argv[1]))
    for line in sys.stdin:
        [(verb, content)] = json.loads(line).items()
        try:
            answer = {"done": _picture(**content) if verb == "picture" else _video(**content)}
        except ProviderError as error:
            answer = {"error": {"code": error.code.value, "detail": error.detail}}
        output.write(json.dumps(answer) + "\n")


def _picture(original: dict[str, str], folder: str, failure: str, resolution: str) -> dict[str, Any]:
    source = Original(path=Path(original["path"]), name=original["name"], remark=original["remark"])
    picture = images.prepare(source, Path(folder), failure=FailureCode(failure), resolution=resolution)
    return {**dataclasses.asdict(picture), "path": str(picture.path)}


def _video(path: str, folder: str, seconds: float) -> dict[str, Any]:
    return channel.as_json(inspection.look(Path(path), Path(folder), seconds=seconds))


if __name__ == "__main__":
    main()
