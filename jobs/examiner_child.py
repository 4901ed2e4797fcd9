"""The examining process: one JSON line in, one out, for each file.

Started as `python -m jobs.examiner_child PARENT MEGABYTES`: whose end is its own, and the memory it may take.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from PIL import Image

from jobs import images, limits
from jobs.images import Original
from jobs.providers.base import FailureCode, ProviderError
from jobs.render import poster

A_DAY = 86400
LOOKED_AT = (0.0, 0.2, 0.4, 0.6, 0.8)  # where in the video a poster may come from, as a share of it
SHORTEST, LONGEST = 0.5, 2.0  # of the length that was asked for


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


def _picture(original: dict[str, str], folder: str, failure: str) -> dict[str, Any]:
    source = Original(path=Path(original["path"]), name=original["name"], remark=original["remark"])
    picture = images.prepare(source, Path(folder), failure=FailureCode(failure))
    return {**dataclasses.asdict(picture), "path": str(picture.path)}


def _video(path: str, folder: str, seconds: float) -> dict[str, Any]:
    try:
        return _looked_into(path, Path(folder), seconds)
    except (av.FFmpegError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise _unusable(f"it can't be read: {error}") from error


def _looked_into(path: str, folder: Path, asked: float) -> dict[str, Any]:
    with av.open(path) as container:
        if "mp4" not in container.format.name.split(","):
            raise _unusable(f"it is {container.format.name}, not MP4")
        if not container.streams.video:
            raise _unusable("it has no picture")
        stream = container.streams.video[0]
        seconds = _seconds(container, stream)
        if not SHORTEST * asked <= seconds <= LONGEST * asked:
            raise _unusable(f"it lasts {seconds:.1f} s, not {asked:g} s")
        rate = float(stream.average_rate or stream.base_rate or 24)
        best = max(_frames(container, stream, seconds), key=_score, default=None)
        if best is None:
            raise _unusable("it has no frame")
        where = folder / "poster.jpg"
        poster.write(best, where)
        width, height = stream.codec_context.width, stream.codec_context.height
    return {
        "video": path,
        "poster": str(where),
        "width": width,
        "height": height,
        "frames_per_second": max(1, round(rate)),
        "duration_seconds": seconds,
    }


def _seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / float(av.time_base)


def _frames(
    container: av.container.InputContainer, stream: av.VideoStream, seconds: float
) -> Iterator[Image.Image]:
    """Yield a few frames from here and there: the first that can be shown after each place."""
    for share in LOOKED_AT:
        container.seek(int(share * seconds * av.time_base))
        frame = next(container.decode(stream), None)
        if frame is not None:
            yield frame.to_image()


def _score(picture: Image.Image) -> float:
    return poster.score(picture.convert("L"))


def _unusable(why: str) -> ProviderError:
    return ProviderError(FailureCode.PROVIDER_UNAVAILABLE, f"The file is not the video: {why}.")


if __name__ == "__main__":
    main()
