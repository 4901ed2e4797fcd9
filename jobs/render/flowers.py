"""Grass and flowers close to the camera, moving a little in the wind."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from jobs.render import planes, shapes, stage
from jobs.render.planes import Colour
from jobs.render.shapes import OVERSAMPLING, Setting
from jobs.render.stage import Drift, Layer

SWAY_MARGIN = 0.02
Pens = tuple[ImageDraw.ImageDraw, ImageDraw.ImageDraw]
"""The same strokes twice: one pen for colour, one for coverage."""


def border(setting: Setting, *, row: float, tall: float, depth: float, phase: float) -> Layer:
    """Return a strip of grass and flowers standing on `row` (stage pixels), `tall` pixels high."""
    margin_x, margin_y = stage.margins(setting.size, SWAY_MARGIN)
    width = shapes.columns(setting, SWAY_MARGIN)
    top = planes.even(row - tall * 1.35)
    height = planes.even(setting.size[1] + margin_y - top)
    ground = shapes.mix(setting.palette.near, setting.palette.far, 0.12 * (1 - depth))
    size = (width * OVERSAMPLING, height * OVERSAMPLING)
    colour, cover = Image.new("RGB", size, _code(ground)), Image.new("L", size)
    pens = (ImageDraw.Draw(colour), ImageDraw.Draw(cover))
    foot, scaled = (row - top) * OVERSAMPLING, tall * OVERSAMPLING
    cover.paste(255, (0, round(foot + scaled * 0.12), *size))
    _grass(pens, setting, size, foot + scaled * 0.2, scaled, ground)
    _flowers(pens, setting, size, foot + scaled * 0.15, scaled)
    drift = Drift(swing=(SWAY_MARGIN * 0.35 * setting.size[0], 0.0), period=4.2, phase=phase)
    return Layer(
        planes.from_image(colour.reduce(OVERSAMPLING)),
        planes.mask_from_image(cover.reduce(OVERSAMPLING)),
        (-margin_x, top),
        depth,
        drift,
        solid_from=planes.even(row - top + tall * 0.2 + 4),
    )


def _grass(
    pens: Pens, setting: Setting, size: tuple[int, int], foot: float, tall: float, ground: Colour
) -> None:
    random = setting.random
    for x in np.arange(0, size[0], tall * 0.016):
        x0 = float(x + random.uniform(-1, 1) * tall * 0.03)
        height, lean = tall * float(random.uniform(0.12, 0.6)), tall * float(random.uniform(-0.16, 0.16))
        tone = shapes.mix(ground, setting.palette.horizon, 0.18 * float(random.random()))
        half = tall * 0.014
        blade = [(x0 - half, foot), (x0 + lean, foot - height), (x0 + half, foot)]
        _both(pens, blade, tone)


def _flowers(pens: Pens, setting: Setting, size: tuple[int, int], foot: float, tall: float) -> None:
    random, palette = setting.random, setting.palette
    tones = (
        palette.accent,
        shapes.mix(palette.accent, palette.light, 0.55),
        shapes.mix(palette.accent, palette.zenith, 0.45),
    )
    stem = shapes.mix(palette.near, palette.far, 0.15)
    for x in np.arange(0, size[0], tall * 0.20):
        x0 = float(x + random.uniform(-0.5, 0.5) * tall * 0.2)
        height, lean = tall * float(random.uniform(0.45, 1.2)), tall * float(random.uniform(-0.1, 0.1))
        middle = (x0 + lean, foot - height)
        half = tall * 0.010
        _both(pens, [(x0 - half, foot), middle, (x0 + half, foot)], stem)
        radius = tall * float(random.uniform(0.045, 0.085))
        _blossom(
            pens,
            middle,
            radius,
            tones[int(random.integers(len(tones)))],
            palette.light,
            float(random.random()),
        )


def _blossom(
    pens: Pens, middle: tuple[float, float], radius: float, tone: Colour, heart: Colour, turn: float
) -> None:
    for petal in range(6):
        angle = 2 * math.pi * (petal / 6 + turn)
        at = (middle[0] + radius * 0.85 * math.cos(angle), middle[1] + radius * 0.6 * math.sin(angle))
        _disc(pens, at, radius * 0.62, shapes.mix(tone, (0.0, 0.0, 0.0), 0.10 * (petal % 2)))
    _disc(pens, middle, radius * 0.42, shapes.mix(heart, (1.0, 0.8, 0.25), 0.6))


def _disc(pens: Pens, at: tuple[float, float], radius: float, tone: Colour) -> None:
    box = [at[0] - radius, at[1] - radius * 0.8, at[0] + radius, at[1] + radius * 0.8]
    pens[0].ellipse(box, fill=_code(tone))
    pens[1].ellipse(box, fill=255)


def _both(pens: Pens, points: list[tuple[float, float]], tone: Colour) -> None:
    pens[0].polygon(points, fill=_code(tone))
    pens[1].polygon(points, fill=255)


def _code(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(255 * min(max(channel, 0), 1)) for channel in colour)
    return (red, green, blue)
