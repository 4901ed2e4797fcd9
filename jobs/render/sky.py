"""The sky of a scene: its gradient, sun or moon, and drifting clouds."""

from __future__ import annotations

import numpy as np

from jobs.render import noise, planes, shapes, stage
from jobs.render.planes import Floats
from jobs.render.shapes import Setting
from jobs.render.stage import Drift, Layer

CLOUD_DENSITY = 0.5
CLOUD_MARGIN = 0.14  # how far clouds may drift in the longest clip, in frame widths


def backdrop(setting: Setting) -> Layer:
    """Return the sky with its sun or moon; it fills the whole stage."""
    margin_x, margin_y = stage.margins(setting.size)
    width, height = setting.size[0] + 2 * margin_x, setting.size[1] + 2 * margin_y
    xs = np.arange(width, dtype=np.float32)[None, :] - margin_x
    ys = np.arange(height, dtype=np.float32)[:, None] - margin_y
    colours = _gradient(setting, ys, width)
    _shine(setting, colours, xs, ys)
    grain = setting.random.random((height, width), dtype=np.float32)
    return Layer(planes.from_floats(colours, grain), None, (-margin_x, -margin_y), 0.0)


def clouds(setting: Setting, *, amount: float = 0.5, speed: float = 0.006) -> Layer:
    """Return drifting clouds: `amount` of the sky covered, `speed` in frame widths a second."""
    margin_x, margin_y = stage.margins(setting.size, CLOUD_MARGIN)
    width = planes.even((setting.size[0] + 2 * margin_x) * CLOUD_DENSITY)
    height = planes.even((setting.horizon + margin_y) * CLOUD_DENSITY)
    cell = setting.unit * CLOUD_DENSITY * 0.42
    cells = (max(2, round(width / cell)), max(2, round(2.6 * height / cell)))
    puffs = noise.clouds(setting.random, (width, height), cells, 5)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    coverage = noise.smoothstep(puffs, 1 - amount - 0.12, 1.12 - amount * 0.5) * noise.smoothstep(
        down, 0.02, 0.4
    )
    coverage *= 1 - 0.5 * noise.smoothstep(down, 0.8, 1.0)
    palette = setting.palette
    lit = np.asarray(shapes.mix(palette.horizon, palette.light, 0.35), np.float32)
    shaded = np.asarray(shapes.mix(palette.sky, palette.far, 0.3), np.float32)
    # thick parts are darker below: light comes through the edges
    thick = noise.smoothstep(puffs, 0.55, 1.0)[..., None] * 0.75
    colours = lit * (1 - thick) + shaded * thick
    strength = 0.45 if palette.is_night else 0.75
    drift = Drift(speed=speed * setting.size[0])
    origin = (-margin_x, -margin_y)
    return Layer(
        planes.from_floats(colours), planes.mask(coverage * strength), origin, 0.06, drift, CLOUD_DENSITY
    )


def _gradient(setting: Setting, ys: Floats, width: int) -> Floats:
    palette = setting.palette
    at = np.clip(ys[:, 0] / setting.horizon, 0, 1.0)
    stops = (0.0, 0.55, 0.96)
    channels = zip(palette.zenith, palette.sky, palette.horizon, strict=True)
    column = np.stack([np.interp(at, stops, channel) for channel in channels], axis=-1).astype(np.float32)
    return np.repeat(column[:, None, :], width, axis=1)


def _shine(setting: Setting, colours: Floats, xs: Floats, ys: Floats) -> None:
    """Add the sun's or moon's disc and the glow round it."""
    palette, unit = setting.palette, setting.unit
    away = np.hypot(xs - setting.sun[0], ys - setting.sun[1])
    glow = np.exp(-away / (0.10 * unit)) * 0.55 + np.exp(-away / (0.34 * unit)) * 0.35
    if palette.is_night:
        glow *= 0.45
    light = np.asarray(palette.light, np.float32)
    colours += (light - colours) * np.clip(glow, 0, 1)[..., None]
    radius = (0.042 if palette.is_night else 0.055) * unit
    disc = np.clip(radius - away + 0.5, 0, 1)[..., None]
    face = light * (1 - 0.16 * _craters(setting, away.shape))[..., None] if palette.is_night else light
    colours += (face - colours) * disc


def _craters(setting: Setting, shape: tuple[int, ...]) -> Floats:
    height, width = shape
    cell = 0.03 * setting.unit
    return noise.clouds(setting.random, (width, height), (round(width / cell), round(height / cell)), 2)
