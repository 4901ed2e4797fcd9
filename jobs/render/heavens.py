"""Scenes in the sky: outer space, and the northern lights."""

from __future__ import annotations

import numpy as np

from jobs.render import land, noise, planes, shapes, stage
from jobs.render.planes import Colour, Floats
from jobs.render.shapes import Setting
from jobs.render.stage import Drift, Element, Layer

CURTAIN_DENSITY = 0.25
CURTAIN_MARGIN = 0.10


def space(setting: Setting) -> list[Element]:
    """Return a planet and its moon."""
    width, height = setting.size
    random = setting.random
    side = 1 if setting.sun[0] < width / 2 else -1
    centre = (
        width * (0.5 + side * float(random.uniform(0.14, 0.22))),
        height * float(random.uniform(0.44, 0.58)),
    )
    moon = (
        width * (0.5 - side * float(random.uniform(0.12, 0.25))),
        height * float(random.uniform(0.2, 0.34)),
    )
    palette = setting.palette
    return [
        _planet(
            setting,
            moon,
            0.045 * setting.unit,
            0.45,
            shapes.mix(palette.accent, palette.light, 0.6),
            bands=0.1,
        ),
        _planet(
            setting,
            centre,
            0.20 * setting.unit,
            0.8,
            shapes.mix(palette.sky, palette.accent, 0.5),
            bands=0.55,
        ),
    ]


def lights(setting: Setting) -> list[Element]:
    """Return waving curtains of light over a range of mountains."""
    palette = setting.palette
    colours = (
        palette.accent,
        shapes.mix(palette.accent, palette.horizon, 0.6),
        shapes.mix(palette.sky, palette.light, 0.35),
    )
    curtains = [_curtain(setting, index, colour) for index, colour in enumerate(colours)]
    return [*curtains, *land.mountains(setting)]


def nebula(setting: Setting) -> Layer:
    """Return clouds of lit gas that fill the whole stage."""
    margin_x, margin_y = stage.margins(setting.size)
    width, height = setting.size[0] + 2 * margin_x, setting.size[1] + 2 * margin_y
    palette, random = setting.palette, setting.random
    cells = (max(2, round(2.4 * width / setting.unit)), max(2, round(2.4 * height / setting.unit)))
    colours = np.empty((height, width, 3), np.float32)
    # space is dark in any palette: a bright one only lends its hues
    lent = 1.0 if palette.is_night else 0.5
    colours[:] = np.asarray(shapes.mix((0.01, 0.01, 0.03), palette.zenith, 0.9 * lent**3), np.float32)
    for tone, strength in ((palette.sky, 1.4), (palette.horizon, 1.0), (palette.accent, 0.32)):
        cloud = noise.smoothstep(noise.clouds(random, (width, height), cells, 6), 0.42, 0.95) * strength
        colours += cloud[..., None] * np.asarray(tone, np.float32) * lent
    grain = random.random((height, width), dtype=np.float32)
    return Layer(planes.from_floats(colours, grain), None, (-margin_x, -margin_y), 0.05, solid_from=0)


def _planet(
    setting: Setting,
    centre: tuple[float, float],
    radius: float,
    depth: float,
    colour: Colour,
    *,
    bands: float,
) -> Layer:
    """Return a ball lit from one side, with cloud bands and a thin shining air."""
    side = planes.even(radius * 2.6)
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    xs, ys = (xs - side / 2) / radius, (ys - side / 2) / radius
    away = np.hypot(xs, ys)
    front = np.sqrt(np.clip(1 - away**2, 0, 1))
    light = np.clip(-0.62 * xs - 0.42 * ys + 0.66 * front, 0.02, 1)
    tilted = ys + 0.25 * xs
    stripes = noise.clouds(setting.random, (side, side), (2, 14), 4) - 0.5 + 0.25 * np.sin(tilted * 11)
    texture = 1 + bands * stripes[..., None]
    surface = np.asarray(colour, np.float32) * texture * light[..., None]
    air = np.exp(-np.abs(away - 0.98) / 0.035) * np.clip(-0.7 * xs - 0.5 * ys + 0.4, 0, 1)
    surface = surface + air[..., None] * np.asarray(setting.palette.light, np.float32) * 0.5
    coverage = np.clip((1 - away) * radius + 0.5, 0, 1)
    halo = np.exp(-np.clip(away - 1, 0, None) / 0.07) * np.clip(-0.7 * xs - 0.5 * ys + 0.25, 0, 1) * 0.45
    coverage = np.maximum(coverage, halo * noise.smoothstep(1.28 - away, 0, 0.2))
    origin = (centre[0] - side / 2, centre[1] - side / 2)
    return Layer(planes.from_floats(surface), planes.mask(coverage), origin, depth)


def _curtain(setting: Setting, index: int, colour: Colour) -> Layer:
    """Return a band of vertical rays that hangs along a wave."""
    margin_x, margin_y = stage.margins(setting.size, CURTAIN_MARGIN)
    random = setting.random
    width = planes.even((setting.size[0] + 2 * margin_x) * CURTAIN_DENSITY)
    height = planes.even((setting.horizon + margin_y) * CURTAIN_DENSITY)
    hem = (
        0.62 + 0.12 * index + 0.16 * noise.ridge(random, width, 1.5 * setting.size[0] / setting.unit, 3, 0.4)
    )
    rays = noise.spread(noise.ridge(random, width, 26 * setting.size[0] / setting.unit, 3, 0.6))
    glow = noise.spread(noise.ridge(random, width, 2.2 * setting.size[0] / setting.unit, 2))
    above: Floats = hem[None, :] - np.linspace(0, 1, height, dtype=np.float32)[:, None]
    length = 0.16 + 0.30 * rays[None, :]
    coverage = (
        np.where(above > 0, np.exp(-above / length), np.exp(above / 0.07))
        * (0.35 + 0.65 * rays)
        * (0.15 + 0.85 * glow)
    )
    fade = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    coverage = coverage * noise.smoothstep(fade, 0.0, 0.3) * noise.smoothstep(1 - fade, 0.0, 0.05) * 0.8
    drift = Drift(swing=(setting.size[0] * CURTAIN_MARGIN * 0.75, 0), period=15 + 5 * index, phase=index / 3)
    picture = planes.plain((width, height), colour)
    origin = (-margin_x, -margin_y)
    return Layer(picture, planes.mask(coverage.astype(np.float32)), origin, 0.05, drift, CURTAIN_DENSITY)
