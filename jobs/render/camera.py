"""The camera: what of a scene is seen at each moment, near things moving more than far ones."""

from __future__ import annotations

import dataclasses

from jobs.render.planes import Box


@dataclasses.dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera looks: `x`, `y` in parts of the frame's width and height, and its zoom."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """From one pose to another. `far` and `near` say how much of it the ends of the scene take part in.

    Turning the camera moves everything alike; carrying it moves what is near more (parallax).
    """

    start: Pose
    end: Pose
    far: float = 1.0
    near: float = 1.0

    def at(self, share: float, depth: float) -> Pose:
        """Return the pose at `share` (0 to 1) of the move for things at `depth` (0 far, 1 near)."""
        share = _eased(share)
        rate = self.far + (self.near - self.far) * depth
        return Pose(
            x=_between(self.start.x, self.end.x, share) * rate,
            y=_between(self.start.y, self.end.y, share) * rate,
            zoom=1 + (_between(self.start.zoom, self.end.zoom, share) - 1) * rate,
        )


STILL = Move(Pose(), Pose())
MOVES = {
    "zoom in": Move(Pose(zoom=1.0), Pose(zoom=1.26), far=0.85, near=1.15),
    "zoom out": Move(Pose(zoom=1.26), Pose(zoom=1.0), far=0.85, near=1.15),
    "pan left": Move(Pose(x=0.075), Pose(x=-0.075), far=0.7, near=1.4),
    "pan right": Move(Pose(x=-0.075), Pose(x=0.075), far=0.7, near=1.4),
    "tilt up": Move(Pose(y=0.07), Pose(y=-0.07), far=0.8, near=1.2),
    "tilt down": Move(Pose(y=-0.07), Pose(y=0.07), far=0.8, near=1.2),
    # round a point in the middle: what is behind it goes one way, what is before it the other
    "orbit": Move(Pose(x=-0.075, zoom=1.03), Pose(x=0.075, zoom=1.03), far=-0.9, near=1.3),
    "rise": Move(Pose(y=0.06), Pose(y=-0.06), far=0.25, near=1.5),
    "dolly": Move(Pose(zoom=1.0), Pose(zoom=1.2), far=0.3, near=1.9),
    "still": STILL,
}
MARGIN = 0.12  # of the frame, on each side: the farthest any of these moves looks past the frame


def seen(pose: Pose, size: tuple[int, int]) -> Box:
    """Return what the pose shows of a stage whose frame is `size` pixels at rest."""
    width, height = size
    x, y = width * (0.5 + pose.x), height * (0.5 + pose.y)
    half_width, half_height = width / pose.zoom / 2, height / pose.zoom / 2
    return (x - half_width, y - half_height, x + half_width, y + half_height)


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _eased(share: float) -> float:
    # half linear, half smooth: starts and stops softly without racing through the middle
    return 0.5 * share + 0.5 * share * share * (3 - 2 * share)
