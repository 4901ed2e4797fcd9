"""Looking into a video that was made elsewhere: is it one, how large, how long, and what poster has it?"""

from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from jobs.providers.base import FailureCode, ProviderError, Rendered
from jobs.render import poster

LOOKED_AT = (0.0, 0.2, 0.4, 0.6, 0.8)  # where in the video a poster may come from, as a share of it
SHORTEST, LONGEST = 0.8, 2.0  # of the length that the provider was asked for


def look(video: Path, folder: Path, *, seconds: float) -> Rendered:
    """Return what the file is, with a poster made in `folder`; `seconds` is what was asked for.

    Raise ProviderError if it is no MP4 that plays for about so long. It is decoded in this very process,
    which has to be one that may die of it.
    """
    try:
        return _looked_into(video, folder, seconds)
    except (av.FFmpegError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise _unusable(f"it can't be read: {error}") from error


def _looked_into(video: Path, folder: Path, asked: float) -> Rendered:
    with av.open(str(video)) as container:
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
        return Rendered(
            video=video,
            poster=where,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            frames_per_second=max(1, round(rate)),
            duration_seconds=seconds,
        )


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
