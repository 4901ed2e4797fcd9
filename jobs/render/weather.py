"""Small things in the air: stars, snow, rain, embers, petals; sprites moved by the clock."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image

from jobs.render import camera, noise, planes
from jobs.render.planes import Colour, Floats, Mask, Planes
from jobs.render.shapes import Setting
from jobs.render.stage import Moment

PHASES = 4  # positions of a sprite inside two pixels: slow things glide instead of hopping
LEVELS = 16  # of light
TURNS = 8  # views of something that tumbles
MARGIN = 0.15  # of the frame: where things wait before they come in


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing.

    Lengths are in units (`Setting.unit`), speeds in units a second; `top` and `bottom` are the part of the
    frame it keeps to; `twinkle` is how much of its light comes and goes. No colour: the palette's accent.
    """

    shape: str
    count: int
    radius: tuple[float, float]
    speed: tuple[float, float] = (0.0, 0.0)
    sway: float = 0.0
    twinkle: float = 0.0
    opacity: float = 0.9
    top: float = -MARGIN
    bottom: float = 1 + MARGIN
    depth: tuple[float, float] = (0.5, 1.2)
    colour: Colour | None = None


KINDS: Mapping[str, Kind] = {
    "snow": Kind(
        "disc", 130, (0.0018, 0.0065), (-0.03, 0.16), sway=0.02, opacity=0.9, colour=(1.0, 1.0, 1.0)
    ),
    "rain": Kind("streak", 110, (0.018, 0.040), (-0.22, 1.5), opacity=0.42, colour=(0.88, 0.93, 0.98)),
    "embers": Kind(
        "glow", 70, (0.0025, 0.0065), (0.03, -0.13), sway=0.025, twinkle=0.6, colour=(1.0, 0.62, 0.22)
    ),
    "fireflies": Kind(
        "glow",
        42,
        (0.005, 0.011),
        (0.008, -0.006),
        sway=0.03,
        twinkle=0.95,
        top=0.45,
        bottom=1.0,
        colour=(1.0, 0.92, 0.45),
    ),
    "petals": Kind(
        "leaf", 46, (0.006, 0.012), (0.06, 0.085), sway=0.03, opacity=0.95, colour=(1.0, 0.74, 0.84)
    ),
    "leaves": Kind(
        "leaf", 40, (0.007, 0.014), (0.05, 0.11), sway=0.04, opacity=0.95, colour=(0.90, 0.45, 0.13)
    ),
    "bubbles": Kind(
        "ring", 46, (0.004, 0.013), (0.0, -0.10), sway=0.012, opacity=0.55, colour=(0.95, 1.0, 1.0)
    ),
    "motes": Kind(
        "disc", 34, (0.0012, 0.0032), (0.012, -0.008), sway=0.02, twinkle=0.6, opacity=0.5, top=0.3
    ),
}
STARS = Kind(
    "disc", 150, (0.0006, 0.0019), twinkle=0.5, bottom=0.62, depth=(0.0, 0.0), colour=(1.0, 1.0, 0.96)
)
DEEP_STARS = dataclasses.replace(STARS, count=230, bottom=1 + MARGIN, depth=(0.0, 0.1))


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """One of them: where it starts (parts of the frame), its sprite's size, its own pace, phase, depth."""

    x: float
    y: float
    radius: float
    pace: float
    phase: float
    depth: float


class Weather:
    """Many things of one kind; where each is follows from the clock alone."""

    def __init__(self, setting: Setting, kind: Kind) -> None:
        self._kind = kind
        self._unit = setting.unit
        self._colour = kind.colour or setting.palette.accent
        self._things = [_thing(setting, kind) for _ in range(kind.count)]

    def draw(self, onto: Planes, moment: Moment, until: int) -> None:
        for thing in self._things:
            self._draw_thing(onto, thing, moment)

    def hides_from(self, size: tuple[int, int], moment: Moment) -> int:
        return size[1]

    def _draw_thing(self, onto: Planes, thing: Thing, moment: Moment) -> None:
        x, y, zoom = self._place(onto.size, thing, moment)
        turn = int((moment.seconds * thing.pace * 0.9 + thing.phase) * TURNS) % TURNS
        # whole multiples only: sprites are kept, and there must not be too many
        radius = max(0.5, round(thing.radius * zoom * 4) / 4)
        left, top = 2 * math.floor(x / 2), 2 * math.floor(y / 2)
        phase = (int((x - left) / 2 * PHASES), int((y - top) / 2 * PHASES))
        level = round(self._kind.opacity * self._light(thing, moment.seconds) * LEVELS)
        sprite = _sprite(self._kind.shape, radius, turn if self._kind.shape == "leaf" else 0, phase, level)
        reach = planes.even(sprite.full.width / 2 - 1)
        planes.tint(onto, self._colour, sprite, (left - reach, top - reach))

    def _place(self, size: tuple[int, int], thing: Thing, moment: Moment) -> tuple[float, float, float]:
        """Return where a thing is on the frame (pixels), and how much larger it looks."""
        width, height = size
        kind, passed = self._kind, moment.seconds * thing.pace
        sway = kind.sway * self._unit * math.sin(2 * math.pi * (passed / 3.7 + thing.phase))
        x = (
            _wrapped(thing.x + kind.speed[0] * passed * self._unit / width, -MARGIN, 1 + MARGIN) * width
            + sway
        )
        y = _wrapped(thing.y + kind.speed[1] * passed * self._unit / height, kind.top, kind.bottom) * height
        left, top, right, _ = camera.seen(moment.move.at(moment.share, thing.depth), size)
        zoom = width / (right - left)
        return (x - left) * zoom, (y + sway * 0.4 - top) * zoom, zoom

    def _light(self, thing: Thing, seconds: float) -> float:
        wave = 0.5 + 0.5 * math.sin(2 * math.pi * (seconds * thing.pace * 0.55 + thing.phase * 3))
        return 1 - self._kind.twinkle * wave


def _thing(setting: Setting, kind: Kind) -> Thing:
    random = setting.random
    size = float(random.random()) ** 2  # few large ones: they are the near ones
    low, high = kind.radius
    return Thing(
        x=float(random.uniform(-MARGIN, 1 + MARGIN)),
        y=float(random.uniform(kind.top, kind.bottom)),
        radius=(low + (high - low) * size) * setting.unit,
        pace=0.65 + 0.7 * size,
        phase=float(random.random()),
        depth=kind.depth[0] + (kind.depth[1] - kind.depth[0]) * size,
    )


def _wrapped(value: float, low: float, high: float) -> float:
    return low + (value - low) % (high - low)


@functools.lru_cache(maxsize=8192)
def _sprite(shape: str, radius: float, turn: int, phase: tuple[int, int], level: int) -> Mask:
    """Return a thing's mask, its middle `phase` quarters of two pixels off the mask's middle."""
    reach = 2 * math.ceil((radius * (3.2 if shape == "glow" else 1.3) + 3) / 2)
    ys, xs = np.mgrid[-reach : reach + 2, -reach : reach + 2].astype(np.float32)
    xs, ys = xs - phase[0] * 2 / PHASES, ys - phase[1] * 2 / PHASES
    coverage = _SHAPES[shape](xs, ys, radius, turn) * level / LEVELS
    return planes.mask_from_image(Image.fromarray((np.clip(coverage, 0, 1) * 255).astype(np.uint8)))


def _disc(xs: Floats, ys: Floats, radius: float, turn: int) -> Floats:
    # a disc smaller than a pixel is a paler pixel
    return noise.smoothstep(radius + 0.8 - np.hypot(xs, ys), 0, 1.6) * min(1.0, radius)


def _glow(xs: Floats, ys: Floats, radius: float, turn: int) -> Floats:
    away = np.hypot(xs, ys)
    halo = np.exp(-((away / (radius * 1.25)) ** 2)) * 0.45
    return np.maximum(noise.smoothstep(radius * 0.6 + 0.6 - away, 0, 1.2), halo)


def _ring(xs: Floats, ys: Floats, radius: float, turn: int) -> Floats:
    away = np.hypot(xs, ys)
    rim = np.clip(1.2 - np.abs(away - radius), 0, 1)
    shine = np.exp(-(((xs + radius * 0.4) ** 2 + (ys + radius * 0.4) ** 2) / (0.08 * radius**2 + 0.3)))
    ring: Floats = np.maximum(rim * 0.8, np.maximum(shine, (away < radius) * 0.12))
    return ring


def _leaf(xs: Floats, ys: Floats, radius: float, turn: int) -> Floats:
    angle = 2 * math.pi * turn / TURNS
    thin = 0.25 + 0.35 * abs(math.cos(angle))
    along, across = (
        xs * math.cos(angle / 2) + ys * math.sin(angle / 2),
        ys * math.cos(angle / 2) - xs * math.sin(angle / 2),
    )
    return noise.smoothstep(radius + 0.7 - np.hypot(along, across / thin), 0, 1.4)


def _streak(xs: Floats, ys: Floats, radius: float, turn: int) -> Floats:
    # along the way it falls, thinning out behind
    slant = KINDS["rain"].speed[0] / KINDS["rain"].speed[1]
    line = np.clip(1.0 - np.abs(xs - slant * ys) / 0.9, 0, 1)
    return line * noise.smoothstep(ys, -radius, radius * 0.8) * (ys < radius)


_SHAPES = {"disc": _disc, "glow": _glow, "ring": _ring, "leaf": _leaf, "streak": _streak}
