"""A city: skylines one behind the other, their windows lit."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image, ImageDraw

from jobs.render import noise, planes, shapes, stage
from jobs.render.planes import Floats
from jobs.render.shapes import Setting
from jobs.render.stage import Element, Layer

ROWS = ((0.10, 0.34, 0.15), (0.30, 0.30, 0.4), (0.62, 0.30, 0.7), (0.98, 0.26, 1.0))  # row, height, depth
LIT_AT_NIGHT, LIT_BY_DAY = 0.34, 0.07  # share of the windows


@dataclasses.dataclass(frozen=True, slots=True)
class House:
    """One building, in pixels of its layer."""

    left: float
    right: float
    top: float
    spire: float


def city(setting: Setting) -> list[Element]:
    """Return four skylines."""
    return [_skyline(setting, row=row, tall=tall, depth=depth) for row, tall, depth in ROWS]


def _skyline(setting: Setting, *, row: float, tall: float, depth: float) -> Layer:
    margin_x, margin_y = stage.margins(setting.size)
    width = shapes.columns(setting)
    ground = setting.horizon + (setting.size[1] - setting.horizon) * row
    top = planes.even(ground - setting.unit * tall * 1.45)
    height = planes.even(setting.size[1] + margin_y - top)
    houses = _houses(setting, width, ground - top, tall, depth)
    mask, solid = _outline(houses, (width, height), ground - top), planes.even(ground - top + 4)
    colours = _walls(setting, (width, height), ground - top, depth)
    _light(setting, colours, houses, ground - top, depth)
    grain = setting.random.random((height, width), dtype=np.float32)
    picture = planes.from_floats(colours, grain)
    return Layer(picture, planes.mask_from_image(mask), (-margin_x, top), depth, solid_from=solid)


def _houses(setting: Setting, width: int, ground: float, tall: float, depth: float) -> list[House]:
    random, unit = setting.random, setting.unit
    crowd = noise.spread(noise.ridge(random, width, 2.2 * setting.size[0] / unit, 2))
    houses, left = [], -8.0
    while left < width:
        across = unit * float(random.uniform(0.028, 0.07)) * (0.8 + 0.6 * depth)
        here = float(crowd[int(np.clip(left + across / 2, 0, width - 1))])
        up = unit * tall * (0.2 + 0.75 * here * float(random.uniform(0.45, 1.0)))
        spire = unit * 0.05 * float(random.uniform(0.5, 1.5)) if random.random() < 0.18 * here * 2 else 0.0
        houses.append(House(round(left), round(left + across), round(ground - up), spire))
        left += across + unit * 0.006 * float(random.integers(0, 3))
    return houses


def _outline(houses: list[House], size: tuple[int, int], ground: float) -> Image.Image:
    image = Image.new("L", size)
    pen = ImageDraw.Draw(image)
    for house in houses:
        pen.rectangle([house.left, house.top, house.right - 1, size[1]], fill=255)
        middle, step = (house.left + house.right) / 2, (house.right - house.left) / 5
        if house.spire:
            pen.rectangle([house.left + step, house.top - step, house.right - step - 1, house.top], fill=255)
            pen.rectangle([middle - 1, house.top - step - house.spire, middle, house.top], fill=255)
    pen.rectangle([0, ground, *size], fill=255)
    return image


def _walls(setting: Setting, size: tuple[int, int], ground: float, depth: float) -> Floats:
    palette = setting.palette
    wall = shapes.mix(palette.far, palette.near, depth)
    haze = shapes.mix(wall, palette.horizon, 0.45 * (1 - depth))
    share = noise.smoothstep(np.arange(size[1], dtype=np.float32) / max(ground, 1), 0.1, 1.15)[:, None, None]
    column = np.asarray(wall, np.float32) * (1 - share) + np.asarray(haze, np.float32) * share
    return np.repeat(column, size[0], axis=1)


def _light(setting: Setting, colours: Floats, houses: list[House], ground: float, depth: float) -> None:
    """Light some of the windows, warm ones and a few in the palette's accent."""
    random, palette = setting.random, setting.palette
    share = LIT_AT_NIGHT if palette.is_night else LIT_BY_DAY
    pane = max(1, round(setting.unit * 0.0045 * (0.6 + 0.6 * depth)))
    warm = np.asarray(shapes.mix(palette.light, palette.accent, 0.6), np.float32)
    accent = np.asarray(palette.accent, np.float32)
    for house in houses:
        mood = share * float(random.uniform(0.2, 1.6))
        lamp = accent if random.random() < 0.3 else warm
        for y in range(int(house.top) + 2 * pane, int(ground) + 14 * pane, 3 * pane):
            for x in range(int(house.left) + 2 * pane, int(house.right) - 2 * pane, 2 * pane + 1):
                if x >= 0 and random.random() < mood:
                    glow = 0.25 + 0.6 * float(random.random()) * (0.35 + 0.65 * depth)
                    colours[y : y + 2 * pane - 1 or 1, x : x + pane] += (
                        lamp - colours[y : y + 2 * pane - 1 or 1, x : x + pane]
                    ) * glow
