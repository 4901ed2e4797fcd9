"""Scenes on land: mountains, forest, desert, meadow, volcano."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw

from jobs.render import flowers, noise, shapes
from jobs.render.planes import Floats
from jobs.render.shapes import Fill, Setting
from jobs.render.stage import Element, Layer


def mountains(setting: Setting) -> list[Element]:
    """Return ranges one behind the other, their feet in haze."""
    layers: list[Element] = []
    for index in range(5):
        depth = index / 4
        base = _row(setting, 0.02 + 0.86 * depth**1.25)
        height = setting.unit * (0.17 - 0.07 * depth)
        line = base - height * (0.45 + 0.55 * _peaks(setting, 1.4 + 0.5 * index))
        layers.append(shapes.ridge(setting, line, depth=depth, fill=shapes.fill_at(setting, depth)))
    layers[-1] = _pines(setting, depth=1.0, row=0.74, tall=0.10, crowd=1.1)
    return layers


def forest(setting: Setting) -> list[Element]:
    """Return rows of pines fading into mist."""
    hills = setting.unit * 0.12 * _peaks(setting, 1.2)
    far = shapes.ridge(setting, _row(setting, 0.05) - hills, depth=0.1, fill=shapes.fill_at(setting, 0.0))
    rows = ((0.12, 0.06, 0.2), (0.28, 0.085, 0.42), (0.5, 0.12, 0.68), (0.86, 0.19, 1.0))
    return [far, *(_pines(setting, depth=depth, row=row, tall=tall, crowd=1.5) for row, tall, depth in rows)]


def desert(setting: Setting) -> list[Element]:
    """Return dunes with a lit and a shaded side."""
    layers: list[Element] = []
    for index in range(4):
        depth = 0.15 + 0.85 * index / 3
        base = _row(setting, 0.06 + 0.72 * (index / 3) ** 1.1)
        wave = noise.ridge(
            setting.random, shapes.columns(setting), _hills(setting, 1.2 - 0.12 * index), 3, 0.28
        )
        line = base - setting.unit * (0.05 + 0.03 * depth) * (1 - np.abs(wave))
        layers.append(_dune(setting, line, depth))
    return layers


def meadow(setting: Setting) -> list[Element]:
    """Return soft hills and, close by, grass and flowers moving in the wind."""
    layers: list[Element] = []
    for index in range(4):
        depth = index / 3 * 0.8
        base = _row(setting, 0.04 + 0.55 * (index / 3) ** 1.2)
        wave = noise.ridge(setting.random, shapes.columns(setting), _hills(setting, 1.3), 3, 0.35)
        line = base - setting.unit * 0.055 * wave
        fill = shapes.fill_at(setting, 0.25 + 0.7 * depth, haze=0.6)
        layers.append(shapes.ridge(setting, line, depth=depth, fill=fill))
    for index, (row, tall) in enumerate(((0.72, 0.10), (0.97, 0.16))):
        border = flowers.border(
            setting,
            row=_row(setting, row),
            tall=tall * setting.unit,
            depth=0.85 + 0.3 * index,
            phase=0.3 * index,
        )
        layers.append(border)
    return layers


def volcano(setting: Setting) -> list[Element]:
    """Return dark ranges round a burning cone."""
    width = shapes.columns(setting)
    xs = np.arange(width, dtype=np.float32)
    centre = width * setting.random.uniform(0.42, 0.58)
    rough = noise.ridge(setting.random, width, _hills(setting, 6), 5)
    slope = np.maximum(np.abs(xs - centre), 0.045 * setting.unit) - 0.045 * setting.unit
    cone = _row(setting, -0.30) + slope**0.93 * 0.95 + rough * 0.008 * setting.unit
    cone = np.minimum(cone, _row(setting, 0.3))
    layers: list[Element] = [
        _range(setting, 0.02, 0.1, 0.05),
        shapes.ridge(setting, cone, depth=0.3, fill=_glowing(setting)),
    ]
    layers += [_range(setting, row, depth, 0.09) for row, depth in ((0.3, 0.55), (0.52, 0.8), (0.8, 1.0))]
    return layers


def _range(setting: Setting, row: float, depth: float, tall: float) -> Layer:
    line = _row(setting, row) - setting.unit * tall * _peaks(setting, 1.8)
    return shapes.ridge(setting, line, depth=depth, fill=shapes.fill_at(setting, depth))


def _glowing(setting: Setting) -> Fill:
    palette = setting.palette
    return Fill(
        edge=shapes.mix(palette.horizon, palette.light, 0.3),
        base=shapes.mix(palette.far, palette.near, 0.75),
        fade=0.05 * setting.unit,
        rim=0.4,
        grain=0.3,
    )


def _dune(setting: Setting, line: Floats, depth: float) -> Layer:
    palette = setting.palette
    edge = shapes.mix(palette.far, palette.near, depth * 0.75)
    fill = Fill(edge=edge, base=shapes.mix(edge, palette.near, 0.55), fade=0.30 * setting.unit, rim=0.2)
    slope = np.gradient(line) / 0.35
    height = int(setting.size[1] * 1.2) + 64
    down = np.arange(height, dtype=np.float32)[:, None]
    side = np.clip(slope, -1, 1)[None, :] * np.exp(-down / (0.12 * setting.unit))
    towards = -1.0 if setting.sun[0] > setting.size[0] / 2 else 1.0
    return shapes.ridge(
        setting, line, depth=depth, fill=fill, shade=(0.16 * towards * side).astype(np.float32)
    )


def _pines(setting: Setting, *, depth: float, row: float, tall: float, crowd: float) -> Layer:
    """Return a row of pines standing on a gentle slope."""
    wave = noise.ridge(setting.random, shapes.columns(setting), _hills(setting, 1.1), 4, 0.4)
    line = _row(setting, row) - setting.unit * 0.03 * wave
    random, height = setting.random, tall * setting.unit

    def draw(pen: ImageDraw.ImageDraw, ground: Floats, scale: float) -> None:
        step = height * 0.34 / crowd
        for place in np.arange(-step, len(ground) + step, step):
            x = float(place + random.uniform(-0.5, 0.5) * step)
            foot = float(ground[int(np.clip(x, 0, len(ground) - 1))]) + 3
            _pine(pen, x * scale, foot * scale, height * float(random.uniform(0.45, 1.0)) * scale, random)

    fill = shapes.fill_at(setting, depth)
    return shapes.ridge(setting, line, depth=depth, fill=fill, draw=draw, headroom=height)


def _pine(
    pen: ImageDraw.ImageDraw, x: float, foot: float, height: float, random: np.random.Generator
) -> None:
    tiers = 7
    for tier in range(tiers):
        share = tier / tiers
        half = height * (0.05 + 0.15 * share) * float(random.uniform(0.8, 1.15))
        top = foot - height * (1 - share * 0.92)
        bottom = top + height * (0.13 + 0.09 * share)
        droop = height * 0.018
        pen.polygon(
            [(x, top), (x + half, bottom + droop), (x, bottom - droop), (x - half, bottom + droop)], fill=255
        )
    pen.rectangle([x - height * 0.014, foot - height * 0.9, x + height * 0.014, foot + 4], fill=255)


def _peaks(setting: Setting, hills: float) -> Floats:
    """Return mountains (columns), 0 to 1: ridged, so that peaks are sharp and valleys wide."""
    line = noise.ridge(setting.random, shapes.columns(setting), _hills(setting, hills), 7, 0.48)
    return noise.spread(1 - np.abs(line) ** 0.8) * 0.6 + noise.spread(line) * 0.4


def _hills(setting: Setting, hills: float) -> float:
    """Return a count of hills a square frame wide as one for this frame's width."""
    return max(0.7, hills * setting.size[0] / setting.unit)


def _row(setting: Setting, share: float) -> float:
    """Return the row `share` of the way from the horizon to the bottom of the frame."""
    return setting.horizon + (setting.size[1] - setting.horizon) * share
