"""Reading videos back, as a player would."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


@dataclasses.dataclass(frozen=True)
class Facts:
    codec: str
    pixels: str
    size: tuple[int, int]
    rate: Fraction
    frames: int
    seconds: Fraction
    constant_rate: bool
    index_first: bool


def facts(path: Path) -> Facts:
    """Return what the file says of itself, checked against its packets."""
    data = path.read_bytes()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts * stream.time_base for packet in container.demux(stream) if packet.size)
        steps = {later - earlier for earlier, later in itertools.pairwise(times)}
        return Facts(
            codec=stream.codec.name,
            pixels=stream.pix_fmt,
            size=(stream.width, stream.height),
            rate=stream.average_rate,
            frames=len(times),
            seconds=stream.duration * stream.time_base,
            constant_rate=steps == {1 / stream.average_rate},
            index_first=0 < data.find(b"moov") < data.find(b"mdat"),
        )


def frames(path: Path, *indexes: int) -> list[np.ndarray]:
    """Return the frames at `indexes` in RGB; negative ones count from the end."""
    with av.open(str(path)) as container:
        total = container.streams.video[0].frames
        wanted = [index % total for index in indexes]
        found = {
            number: frame.to_ndarray(format="rgb24")
            for number, frame in enumerate(container.decode(video=0))
            if number in wanted
        }
    return [found[index] for index in wanted]
