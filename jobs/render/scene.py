"""A whole scene out of a prompt: sky, motif, weather, seen through the camera."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jobs.render import camera, city, heavens, land, planes, sea, sky, stage, weather, words
from jobs.render.palettes import PALETTES
from jobs.render.planes import Planes
from jobs.render.shapes import Setting
from jobs.render.stage import Element, Moment

MOTIFS: Mapping[str, Callable[[Setting], list[Element]]] = {
    "mountains": land.mountains,
    "forest": land.forest,
    "desert": land.desert,
    "meadow": land.meadow,
    "volcano": land.volcano,
    "ocean": sea.ocean,
    "city": city.city,
    "space": heavens.space,
    "lights": heavens.lights,
}


class Scene:
    """A scene at one size. `frame` returns it at any moment; the same moment, the same picture."""

    def __init__(
        self, reading: words.Reading, *, seed: int, size: tuple[int, int], move: camera.Move
    ) -> None:
        self._size = size
        self._move = move
        setting = arranged(reading, seed=seed, size=size)
        self._elements = [*_above(reading, setting), *MOTIFS[reading.motif](setting)]
        self._elements.append(weather.Weather(setting, weather.KINDS[reading.weather or "motes"]))

    def frame(self, *, share: float, seconds: float) -> Planes:
        """Return the picture at `share` (0 to 1) of the video, `seconds` from its start."""
        picture = planes.plain(self._size, (0.0, 0.0, 0.0))
        moment = Moment(share=share, seconds=seconds, move=self._move)
        stage.draw(self._elements, picture, moment)
        return picture


def _above(reading: words.Reading, setting: Setting) -> list[Element]:
    """Return what is behind the motif."""
    if reading.motif == "space":
        return [heavens.nebula(setting), weather.Weather(setting, weather.DEEP_STARS)]
    stars = [weather.Weather(setting, weather.STARS)] if setting.palette.is_night else []
    return [sky.backdrop(setting), *stars, sky.clouds(setting)]


def arranged(reading: words.Reading, *, seed: int, size: tuple[int, int]) -> Setting:
    """Return the setting of a scene: another seed, another arrangement of the same things."""
    random = np.random.default_rng([seed, words.number(repr(reading))])
    width, height = size
    horizon = height * 0.56
    sun = (width * float(random.uniform(0.3, 0.7)), horizon - float(random.uniform(0.3, 0.62)) * horizon)
    return Setting(size=size, palette=PALETTES[reading.palette], horizon=horizon, sun=sun, random=random)
