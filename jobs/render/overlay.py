"""What lies over the scene, at the video's full sharpness: caption, mark, portrait."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from jobs.render import lettering, planes
from jobs.render.planes import Mask, Planes

MARK = "PREVIEW · not a generative model"
SAFE = 0.045  # of the short side: kept free at every edge, as televisions and phones cut some off
CAPTION_SIZES = (0.052, 0.046, 0.040)  # letter height in parts of the short side: the largest that fits
CAPTION_HEIGHT = 0.26  # of the frame, at most
CAPTION_LINES = 5
PANEL, MARK_PANEL = 160, 128  # how dark the ground behind the letters is, of 255
FADE_SECONDS = 0.6


@dataclasses.dataclass(frozen=True, slots=True)
class Overlay:
    """A picture, where its left top corner goes, and from which second it fades in (None: always there)."""

    picture: Planes
    mask: Mask
    at: tuple[int, int]
    appears: float | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        width, height = self.picture.size
        return (self.at[0], self.at[1], self.at[0] + width, self.at[1] + height)

    def draw(self, onto: Planes, seconds: float) -> None:
        strength = 1.0 if self.appears is None else min((seconds - self.appears) / FADE_SECONDS, 1.0)
        if strength > 0:
            planes.paste(onto, self.picture, self.mask.faded(strength), self.at)


def caption(text: str, size: tuple[int, int]) -> Overlay | None:
    """Return the prompt as a caption at the foot of the frame; None if nothing of it can be shown."""
    shown = lettering.printable(text)
    if not shown:
        return None
    short = min(size)
    safe = round(SAFE * short)
    for share in CAPTION_SIZES:
        font = lettering.font(max(8, round(share * short)))
        padding = round(font.size * 0.62)
        width = min(size[0] - 2 * (safe + padding), 30 * font.size)
        count = max(1, min(CAPTION_LINES, int(CAPTION_HEIGHT * size[1] / (1.36 * font.size))))
        lines = lettering.wrap(shown, font, width)
        if len(lines) <= count:
            break
    panel = _panel(
        lettering.shortened(lines, count, font, width), round(font.size), padding, PANEL, line_height=1.36
    )
    left = (size[0] - panel.picture.size[0]) // 2
    top = size[1] - safe - panel.picture.size[1]
    return dataclasses.replace(panel, at=(planes.even(left), planes.even(top)), appears=0.25)


def mark(size: tuple[int, int]) -> Overlay:
    """Return the small mark, in the right top corner, that says what this video is."""
    short = min(size)
    letters = max(9, round(short * 0.024))
    panel = _panel([MARK], letters, round(letters * 0.7), MARK_PANEL, line_height=1.3)
    safe = round(SAFE * short)
    return dataclasses.replace(
        panel, at=(planes.even(size[0] - safe - panel.picture.size[0]), planes.even(safe))
    )


def portrait(path: Path, size: tuple[int, int]) -> Overlay:
    """Return the reference person's photo as a small round picture in the left top corner."""
    short = min(size)
    side, ring = planes.even(short * 0.24), max(2, round(short * 0.006))
    with Image.open(path) as opened:
        opened.draft("RGB", (side * 2, side * 2))
        # a little above the middle: that is where faces are
        photo = ImageOps.fit(
            opened.convert("RGB"), (side, side), Image.Resampling.LANCZOS, centering=(0.5, 0.35)
        )
    disc, inner = _disc(side, 0), _disc(side, ring)
    picture = Image.new("RGB", (side, side), "white")
    picture.paste(photo, mask=inner)
    safe = planes.even(SAFE * short)
    return Overlay(planes.from_image(picture), planes.mask_from_image(disc), (safe, safe))


def _panel(lines: list[str], letters: int, padding: int, darkness: int, *, line_height: float) -> Overlay:
    """Return white lines, centred, on a dark rounded ground."""
    font = lettering.font(letters)
    step = letters * line_height
    width = planes.even(max(font.getlength(line) for line in lines) + 2 * padding + 1)
    height = planes.even(step * len(lines) + 1.1 * padding + 1)
    ink = Image.new("L", (width, height))
    pen = ImageDraw.Draw(ink)
    for index, line in enumerate(lines):
        pen.text((width / 2, 0.55 * padding + step * (index + 0.5)), line, fill=255, font=font, anchor="mm")
    ground = _rounded((width, height), letters * 0.55).point(
        [round(level * darkness / 255) for level in range(256)]
    )
    shadow = ink.filter(ImageFilter.GaussianBlur(letters * 0.12)).point(
        [round(level * 0.5) for level in range(256)]
    )
    cover = ImageChops.lighter(ImageChops.lighter(ground, shadow), ink)
    neutral = Image.new("L", (width // 2, height // 2), planes.NO_COLOUR)
    levels = [planes.BLACK + round(level * (planes.WHITE - planes.BLACK) / 255) for level in range(256)]
    return Overlay(Planes(ink.point(levels), neutral, neutral), planes.mask_from_image(cover), (0, 0))


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle([0, 0, size[0] * 4 - 1, size[1] * 4 - 1], radius * 4, fill=255)
    return large.reduce(4)


def _disc(side: int, inset: int) -> Image.Image:
    large = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(large).ellipse(
        [inset * 4, inset * 4, (side - inset) * 4 - 1, (side - inset) * 4 - 1], fill=255
    )
    return large.reduce(4)
