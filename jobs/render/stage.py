"""The stage: flat layers at different depths, seen through a moving camera like a paper theatre.

Positions are in stage pixels: the frame at rest is (0, 0) to its size, and layers reach past it by the
margin that the camera's moves need.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Protocol

from jobs.render import camera, planes
from jobs.render.planes import Box, Mask, Planes


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A point of the video: `share` (0 to 1) of the way through, its time in seconds, the camera's move."""

    share: float
    seconds: float
    move: camera.Move


class Element(Protocol):
    """Something that draws itself onto a frame, down to row `until`: below, nearer things hide it."""

    def draw(self, onto: Planes, moment: Moment, until: int) -> None: ...

    def hides_from(self, size: tuple[int, int], moment: Moment) -> int:
        """Return the row of a frame of `size` from which on nothing behind this shows."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """A movement of its own: stage pixels a second, and a swing of so many pixels every `period` seconds."""

    speed: float = 0.0
    swing: tuple[float, float] = (0.0, 0.0)
    period: float = 6.0
    phase: float = 0.0

    def at(self, seconds: float) -> tuple[float, float]:
        angle = 2 * math.pi * (seconds / self.period + self.phase)
        return (
            self.speed * seconds + self.swing[0] * math.sin(angle),
            self.swing[1] * math.sin(angle * 2 + 1),
        )


AT_REST = Drift()


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """A picture on the stage; without a mask it hides all behind it.

    `density` is its own pixels for each stage pixel: soft things need fewer. From row `solid_from` (of its
    own) the mask is full.
    """

    picture: Planes
    mask: Mask | None
    origin: tuple[float, float]
    depth: float
    drift: Drift = AT_REST
    density: float = 1.0
    solid_from: int | None = None

    def draw(self, onto: Planes, moment: Moment, until: int) -> None:
        box = self._seen(onto.size, moment)
        first, last = self._reach(1, onto.size, box)
        last = min(last, until)
        solid = min(max(self._solid_row(onto.size, box), first), last)
        self._draw_rows(onto, box, first, solid, self.mask)
        self._draw_rows(onto, box, solid, last, None)

    def hides_from(self, size: tuple[int, int], moment: Moment) -> int:
        return min(max(self._solid_row(size, self._seen(size, moment)), 0), size[1])

    def _seen(self, size: tuple[int, int], moment: Moment) -> Box:
        """Return what the camera sees, in stage pixels from the layer's corner."""
        box = camera.seen(moment.move.at(moment.share, self.depth), size)
        shift_x, shift_y = self.drift.at(moment.seconds)
        left, top = self.origin[0] + shift_x, self.origin[1] + shift_y
        return (box[0] - left, box[1] - top, box[2] - left, box[3] - top)

    def _reach(self, axis: int, size: tuple[int, int], box: Box) -> tuple[int, int]:
        """Return the frame's first column (axis 0) or row (1) wholly on the layer, and the first past it."""
        scale = size[axis] / (box[axis + 2] - box[axis])
        length = self.picture.size[axis] / self.density
        first = 2 * math.ceil(min(max(-box[axis] * scale, 0), size[axis]) / 2)
        return first, max(first, _even_below(min((length - box[axis]) * scale, size[axis])))

    def _solid_row(self, size: tuple[int, int], box: Box) -> int:
        if self.solid_from is None:
            return size[1]
        scale = size[1] / (box[3] - box[1])
        # some rows further: resampling looks at the neighbours
        return _even_below((self.solid_from / self.density - box[1]) * scale) + 4

    def _draw_rows(self, onto: Planes, box: Box, first: int, last: int, mask: Mask | None) -> None:
        left, right = self._reach(0, onto.size, box)
        if last <= first or right <= left:
            return
        zoom = onto.size[0] / (box[2] - box[0])
        edges = (box[0] + left / zoom, box[1] + first / zoom, box[0] + right / zoom, box[1] + last / zoom)
        part = _inside(edges, self)
        size, at = (right - left, last - first), (left, first)
        picture = planes.window(self.picture, part, size)
        if mask is None:
            planes.cover(onto, picture, at)
        else:
            planes.paste(onto, picture, planes.mask_window(mask, part, size), at)


def draw(elements: Sequence[Element], onto: Planes, moment: Moment) -> None:
    """Draw the elements, the farthest first, leaving out what nearer ones hide."""
    until, limits = onto.size[1], []
    for element in reversed(elements):
        limits.append(until)
        until = min(until, element.hides_from(onto.size, moment))
    for element, limit in zip(elements, reversed(limits), strict=True):
        element.draw(onto, moment, limit)


def margins(size: tuple[int, int], extra: float = 0.0) -> tuple[int, int]:
    """Return how far a layer reaches past the frame on each side (pixels, even), `extra` in frame widths."""
    width, height = size
    return (2 * math.ceil(width * (camera.MARGIN + extra) / 2), 2 * math.ceil(height * camera.MARGIN / 2))


def _inside(box: Box, layer: Layer) -> Box:
    # only rounding ever leads outside: `_reach` has seen to the rest
    width, height = layer.picture.size
    left, top, right, bottom = (edge * layer.density for edge in box)
    return (max(left, 0), max(top, 0), min(right, width), min(bottom, height))


def _even_below(pixels: float) -> int:
    return 2 * math.floor(pixels / 2)
