"""A whole scene out of a prompt: sky, motif, weather, seen through the camera."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jobs.render import camera, city, heavens, land, planes, sea, sky, stage, words
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
        self, reading: words.Reading, *, seed: int, size: tuple[int, int], camera_fixed: bool
    ) -> None:
        self._size = size
        self._move = camera.STILL if camera_fixed else camera.MOVES[reading.camera]
        random = np.random.default_rng([seed, words.number(repr(reading))])
        setting = _setting(reading, size, random)
        above = [] if reading.motif == "space" else [sky.backdrop(setting), sky.clouds(setting)]
        self._elements: list[Element] = [*above, *MOTIFS[reading.motif](setting)]

    def frame(self, *, share: float, seconds: float) -> Planes:
        """Return the picture at `share` (0 to 1) of the video, `seconds` from its start."""
        picture = planes.plain(self._size, (0.0, 0.0, 0.0))
        moment = Moment(share=share, seconds=seconds, move=self._move)
        stage.draw(self._elements, picture, moment)
        return picture


def _setting(reading: words.Reading, size: tuple[int, int], random: np.random.Generator) -> Setting:
    width, height = size
    horizon = height * 0.56
    sun = (width * float(random.uniform(0.3, 0.7)), horizon - float(random.uniform(0.3, 0.62)) * horizon)
    return Setting(size=size, palette=PALETTES[reading.palette], horizon=horizon, sun=sun, random=random)
