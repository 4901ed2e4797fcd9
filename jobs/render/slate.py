"""A film slate: plain frames that say what is rehearsed and count down. Made to be quick, not pretty."""

from __future__ import annotations

import functools
import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from jobs.render import lettering, planes
from jobs.render.planes import Planes

MARK = "REHEARSAL · scripted, not a generative model"
GROUND = (0.13, 0.16, 0.22)
TRACK, BAR, INK = 70, 190, planes.WHITE
DIMMED = 0.45  # how much of a user's picture shows behind the letters


class Slate:
    """The frames of one rehearsal video; only the bar and the number change, so they encode fast."""

    def __init__(self, *, size: tuple[int, int], prompt: str, seconds: int, image: Path | None) -> None:
        self._size = size
        self._seconds = seconds
        self._short = min(size)
        self._ground = _picture(image, size) if image else planes.plain(size, GROUND)
        self._letter(prompt)
        margin, thick = round(size[0] * 0.08), max(4, round(self._short * 0.02))
        self._bar = (margin, round(size[1] * 0.80), size[0] - margin, round(size[1] * 0.80) + thick)
        self._ground.y.paste(TRACK, self._bar)

    def frame(self, *, share: float) -> Planes:
        """Return the frame at `share` (0 to 1) of the video."""
        picture = self._ground.copy()
        left, top, right, bottom = self._bar
        picture.y.paste(BAR, (left, top, left + round((right - left) * share), bottom))
        number = _number(math.ceil(self._seconds * (1 - share)), round(self._short * 0.3))
        at = ((self._size[0] - number.width) // 2, (round(self._size[1] * 0.5) - number.height // 2))
        picture.y.paste(INK, at, number)
        return picture

    def _letter(self, prompt: str) -> None:
        """Set the mark above and the prompt below, each on as many lines as fit."""
        pen = ImageDraw.Draw(self._ground.y)
        font = lettering.font(max(9, round(self._short * 0.034)))
        width = self._size[0] * 0.86
        for text, count, row in ((MARK, 2, 0.12), (lettering.printable(prompt), 2, 0.88)):
            lines = lettering.shortened(lettering.wrap(text, font, width), count, font, width)
            for index, line in enumerate(lines):
                y = self._size[1] * row + index * font.size * 1.35
                pen.text((self._size[0] / 2, y), line, fill=INK, font=font, anchor="mm")


@functools.lru_cache(maxsize=64)
def _number(number: int, height: int) -> Image.Image:
    font = lettering.font(height)
    image = Image.new("L", (math.ceil(font.getlength(str(number))) + 4, round(height * 1.2)))
    ImageDraw.Draw(image).text((2, height * 0.6), str(number), fill=255, font=font, anchor="lm")
    return image


def _picture(path: Path, size: tuple[int, int]) -> Planes:
    with Image.open(path) as opened:
        opened.draft("RGB", size)
        fitted = ImageOps.fit(opened.convert("RGB"), size, Image.Resampling.BILINEAR)
    return planes.from_image(Image.blend(Image.new("RGB", size), fitted, DIMMED))
