"""Frames in, an H.264 MP4 out: one frame at a time, the same bytes for the same frames."""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from django.conf import settings

from jobs.render import planes
from jobs.render.planes import Planes

# Without this the same frames give other bytes from run to run (x264 core 165, 854 x 480: three files in four
# runs; one in five without mbtree, or with `asm=0`). Files grow somewhat.
SAME_BYTES = "mbtree=0"
# Against veryfast: 57 % of its time, 7 % more bytes, no worse a picture (48 frames of 1080p at crf 21).
PRESET = "superfast"
SECONDS_BETWEEN_KEYFRAMES = 2  # how far a player may have to decode when someone seeks


class WholeFile(io.FileIO):
    """A file whose `write` writes all or raises: libav ignores the short count of a full disk."""

    def write(self, data: Any) -> int:
        left = memoryview(data)
        while left:
            left = left[super().write(left) :]
        return len(data)


class Encoder:
    """Writes an MP4 (H.264, yuv420p, constant rate, index before the data) inside a `with` block.

    When the block ends in an exception, the unfinished file is removed and nothing stays open. A full
    disk is an OSError, from `add` or from leaving the block.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        frames_per_second: int,
        preset: str = PRESET,
        quality: int = 24,
    ) -> None:
        self.path = path
        self.size = size
        self.frames_written = 0
        self._rate = frames_per_second
        self._options = {"preset": preset, "crf": str(quality), "x264-params": SAME_BYTES}

    def __enter__(self) -> Self:
        # Our own file, not a path: libav leaves a file it opened itself open for good when it cannot write
        # the header. It still reads the data back by the file's name, to put the index in front of it.
        self._file = WholeFile(self.path, "w")
        # bitexact leaves out what may differ between two runs: versions and times
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._container = av.open(self._file, "w", format="mp4", options=options)
        self._stream = self._container.add_stream("libx264", rate=self._rate, options=self._options)
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, self._rate)
        codec = self._stream.codec_context
        # x264 divides its work by the number of threads: another number, other bytes
        codec.thread_count = settings.ENCODER_THREADS
        codec.thread_type = "FRAME"  # x264 works on earlier frames while the next is drawn
        codec.gop_size = self._rate * SECONDS_BETWEEN_KEYFRAMES
        codec.color_range = ColorRange.MPEG
        codec.colorspace = Colorspace.ITU709
        codec.color_primaries = ColorPrimaries.BT709
        codec.color_trc = ColorTrc.BT709
        return self

    def add(self, picture: Planes) -> None:
        """Write the next frame, which has exactly the video's size. Raise OSError if it cannot be written."""
        if picture.size != self.size:
            raise ValueError(f"a frame of {picture.size} in a video of {self.size}")
        frame = planes.to_frame(picture)
        frame.pts = self.frames_written
        frame.time_base = Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        self.frames_written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._file.close()
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        # the error that brought us here is the one to tell; closing may only repeat it
        with contextlib.suppress(OSError, av.error.FFmpegError):
            self._container.close()
        self._file.close()
        self.path.unlink(missing_ok=True)
