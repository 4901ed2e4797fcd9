"""The sea: water to the horizon with the sun's glitter on it, and swells rolling close by."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image, ImageChops

from jobs.render import camera, noise, planes, shapes, stage
from jobs.render.planes import Colour, Planes
from jobs.render.shapes import Fill, Setting
from jobs.render.stage import Drift, Element, Layer, Moment

SWELL_MARGIN = 0.04
RIPPLE_SPEEDS = (0.030, -0.022)  # frame widths a second; two crossing trains of ripples make glints


def ocean(setting: Setting) -> list[Element]:
    """Return the open sea, its glitter and three swells."""
    water = _water(setting)
    island = _island(setting)
    swells = [_swell(setting, index) for index in range(3)]
    return [*island, water, Glitter.over(setting), *swells]


@dataclasses.dataclass(frozen=True, slots=True)
class Glitter:
    """The path of light on water: it sparkles where two trains of ripples meet."""

    ripples: tuple[Image.Image, Image.Image]
    path: Image.Image
    colour: Colour
    top: int
    depth: float

    @classmethod
    def over(cls, setting: Setting) -> Glitter:
        width, height = setting.size
        rows = planes.even(height - setting.horizon)
        first, second = _ripples(setting, (width * 2, rows)), _ripples(setting, (width * 2, rows))
        xs = np.arange(width, dtype=np.float32)[None, :]
        down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        spread = (0.05 + 0.22 * down) * setting.unit
        path = np.exp(-(((xs - setting.sun[0]) / spread) ** 2)) * (1 - 0.75 * down) + 0.10 * (1 - down)
        path *= noise.smoothstep(down, 0.0, 0.03)
        return cls(
            ripples=(first, second),
            path=Image.fromarray((np.clip(path, 0, 1) * 255).astype(np.uint8)),
            colour=setting.palette.light,
            top=planes.even(setting.horizon),
            depth=0.12,
        )

    def draw(self, onto: Planes, moment: Moment, until: int) -> None:
        width, height = onto.size
        left, top, right, _ = camera.seen(moment.move.at(moment.share, self.depth), onto.size)
        scale = width / (right - left)
        row = planes.even((self.top - top) * scale)
        rows = min(until, height, row + planes.even(self.path.height * scale)) - row
        if rows <= 0:
            return
        flows = (
            self._flow(image, speed * moment.seconds)
            for image, speed in zip(self.ripples, RIPPLE_SPEEDS, strict=True)
        )
        glints = ImageChops.multiply(*flows).point(
            [max(0, min(255, (level - 84) * 5)) for level in range(256)]
        )
        light = ImageChops.multiply(glints, self.path)
        size = (planes.even(self.path.width * scale), planes.even(self.path.height * scale))
        light = light.resize(size, Image.Resampling.BILINEAR).crop((0, 0, size[0], rows))
        planes.tint(onto, self.colour, planes.mask_from_image(light), (planes.even(-left * scale), row))

    def hides_from(self, size: tuple[int, int], moment: Moment) -> int:
        return size[1]

    def _flow(self, image: Image.Image, widths: float) -> Image.Image:
        width = self.path.width
        offset = round(widths * width) % width
        return image.crop((offset, 0, offset + width, image.height))


def _water(setting: Setting) -> Layer:
    palette = setting.palette
    width = shapes.columns(setting)
    height = planes.even(setting.size[1] * (1 + camera.MARGIN) - setting.horizon)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    ripples = np.asarray(_ripples(setting, (width, height)), np.float32) / 255 - 0.5
    near_sky = np.asarray(shapes.mix(palette.horizon, palette.far, 0.45), np.float32)
    deep = np.asarray(shapes.mix(palette.far, palette.near, 0.65), np.float32)
    share = (down**0.6)[..., None]
    colours = near_sky * (1 - share) + deep * share + (ripples * (0.05 + 0.12 * down))[..., None]
    grain = setting.random.random((height, width), dtype=np.float32)
    origin = (-stage.margins(setting.size)[0], planes.even(setting.horizon))
    return Layer(planes.from_floats(colours, grain), None, origin, 0.12, solid_from=0)


def _swell(setting: Setting, index: int) -> Layer:
    """Return one long wave with a bright crest; each swings in its own time."""
    palette, unit = setting.palette, setting.unit
    depth = 0.5 + 0.25 * index
    width = shapes.columns(setting, SWELL_MARGIN)
    xs = np.arange(width, dtype=np.float32) / unit
    phase = float(setting.random.uniform(0, 6.28))
    length = 2.2 + 1.1 * (3 - index)
    wave = np.sin(xs * length * 1.7 + phase) * 0.6 + np.sin(xs * length * 2.9 + 2 * phase) * 0.3
    wave += 0.25 * noise.ridge(setting.random, width, 7, 3)
    row = setting.horizon + (setting.size[1] - setting.horizon) * (0.40 + 0.24 * index)
    edge = shapes.mix(palette.far, palette.near, 0.25 + 0.25 * index)
    fill = Fill(
        edge=shapes.mix(edge, palette.horizon, 0.30),
        base=shapes.mix(edge, palette.near, 0.45),
        fade=0.10 * unit,
        rim=0.3,
    )
    drift = Drift(
        swing=(SWELL_MARGIN * 0.8 * setting.size[0], 0.006 * unit),
        period=7 + 1.3 * index,
        phase=float(setting.random.random()),
    )
    line = (row - wave * unit * (0.012 + 0.006 * index)).astype(np.float32)
    return shapes.ridge(setting, line, depth=depth, fill=fill, drift=drift)


def _island(setting: Setting) -> list[Layer]:
    line = noise.ridge(setting.random, shapes.columns(setting), 2.2 * setting.size[0] / setting.unit, 5, 0.45)
    heights = np.clip(line - 0.1, 0, None) * 0.08 * setting.unit
    fill = shapes.fill_at(setting, 0.25)
    return [shapes.ridge(setting, (setting.horizon + 3 - heights).astype(np.float32), depth=0.1, fill=fill)]


def _ripples(setting: Setting, size: tuple[int, int]) -> Image.Image:
    """Return ripples seen at a low angle: thin and close at the top, long and wide at the bottom."""
    width, height = size
    cell = setting.unit * 0.03
    flat = noise.clouds(
        setting.random, (width, height * 2), (round(width / cell), round(height * 8 / cell)), 3
    )
    down = np.linspace(0, 1, height, dtype=np.float32)
    rows = ((1 - (1 - down) ** 2.4) ** 0.9 * (height * 2 - 1)).astype(int)
    return Image.fromarray((flat[rows] * 255).astype(np.uint8))
