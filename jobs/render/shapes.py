"""Cutting layers: a ridge, or anything drawn, filled with light and haze."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from jobs.render import noise, planes, stage
from jobs.render.palettes import Palette
from jobs.render.planes import Colour, Floats
from jobs.render.stage import Drift, Layer

OVERSAMPLING = 2  # shapes are drawn this much larger: smooth edges
Draw = Callable[[ImageDraw.ImageDraw, Floats, float], None]
"""Adds to a ridge's outline: takes a pen, the ridge's row in each column, and pixels for each stage pixel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What every layer of one scene shares. `sun` is in stage pixels, `horizon` its row."""

    size: tuple[int, int]
    palette: Palette
    horizon: float
    sun: tuple[float, float]
    random: np.random.Generator

    @property
    def unit(self) -> float:
        """A length that looks alike in wide and tall frames (pixels)."""
        width, height = self.size
        return float((width * height) ** 0.5)


@dataclasses.dataclass(frozen=True, slots=True)
class Fill:
    """How a layer is coloured: `edge` fades to `base` over `fade` pixels; `rim` is sunlight on it."""

    edge: Colour
    base: Colour
    fade: float
    rim: float = 0.25
    grain: float = 0.05


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour `share` of the way from one to the other."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def fill_at(setting: Setting, depth: float, *, haze: float = 0.6) -> Fill:
    """Return the usual fill at a depth: pale and hazy far away, dark close by."""
    palette = setting.palette
    edge = mix(palette.far, palette.near, depth)
    base = mix(edge, mix(palette.horizon, palette.far, 0.35), haze * (1 - depth))
    return Fill(edge=edge, base=base, fade=0.22 * setting.unit, rim=0.35 * (1 - depth * 0.6))


def ridge(
    setting: Setting,
    line: Floats,
    *,
    depth: float,
    fill: Fill,
    draw: Draw | None = None,
    headroom: float = 0.0,
    drift: Drift = stage.AT_REST,
    shade: Floats | None = None,
) -> Layer:
    """Return a layer that fills everything below `line` (stage rows, one for each column of the layer).

    `draw` adds to its outline, at most `headroom` pixels above the line. `shade` adds light (or takes it) by
    rows and columns, from the layer's top.
    """
    margin_x, margin_y = stage.margins(setting.size, _reach(setting, line))
    top = 2 * int((float(line.min()) - headroom - 4) // 2)
    height = setting.size[1] + margin_y - top
    height += height % 2
    coverage = _coverage(line - top, height, draw)
    solid = 2 * int((float(line.max()) - top + 4) // 2)
    mask = planes.mask(coverage)
    colours = _colours(setting, line, top, height, fill, -margin_x)
    if shade is not None:
        colours += shade[:height, :, None]
    grain = setting.random.random(colours.shape[:2], dtype=np.float32)
    return Layer(planes.from_floats(colours, grain), mask, (-margin_x, top), depth, drift, solid_from=solid)


def columns(setting: Setting, extra: float = 0.0) -> int:
    """Return how many columns a layer needs."""
    return setting.size[0] + 2 * stage.margins(setting.size, extra)[0]


def _reach(setting: Setting, line: Floats) -> float:
    # the width of the line says how far past the usual margin its layer goes
    width = setting.size[0]
    return max(0.0, (len(line) - columns(setting)) / 2 / width)


def _coverage(line: Floats, height: int, draw: Draw | None) -> Floats:
    rows = np.arange(height, dtype=np.float32)[:, None]
    # by how much of the pixel is below the line: a drawn polygon shows steps on gentle slopes
    steep = np.maximum(1, np.abs(np.gradient(line)))
    coverage: Floats = np.clip((rows - line) / steep + 0.5, 0, 1)
    if draw is None:
        return coverage
    image = Image.new("L", (len(line) * OVERSAMPLING, height * OVERSAMPLING))
    draw(ImageDraw.Draw(image), line, OVERSAMPLING)
    return np.maximum(coverage, np.asarray(image.reduce(OVERSAMPLING), np.float32) / 255)


def _colours(setting: Setting, line: Floats, top: int, height: int, fill: Fill, left: int) -> Floats:
    rows = np.arange(height, dtype=np.float32)[:, None] + top
    below = rows - line[None, :]
    share = np.clip(below / fill.fade, 0, 1)[..., None]
    colours = np.asarray(fill.edge, np.float32) * (1 - share) + np.asarray(fill.base, np.float32) * share
    xs = np.arange(len(line), dtype=np.float32) + left
    near_sun = np.exp(-(((xs - setting.sun[0]) / (0.45 * setting.unit)) ** 2))
    rim = fill.rim * np.exp(-np.clip(below, 0, None) / (0.012 * setting.unit)) * near_sun
    colours += rim[..., None] * np.asarray(setting.palette.light, np.float32)
    texture = noise.clouds(setting.random, (len(line), height), (24, 14), 3) - 0.5
    shaded: Floats = colours * (1 + fill.grain * 2 * texture[..., None])
    return shaded
