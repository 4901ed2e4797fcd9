"""Setting text: which characters can be shown, where lines break, how a long prompt is shortened."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
ELLIPSIS = "…"
SHOWN_AT_LEAST = 0.5  # of the letters: below that a caption would tell less than none
LONGEST = 400  # characters looked at: more never fit a frame


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font at a size in pixels."""
    return ImageFont.truetype(FONT, size)


def printable(text: str) -> str:
    """Return what of the text the font can show: on one line, without controls.

    Letters that the font lacks (it has no Chinese, Japanese, Korean or Indian ones) become one ellipsis a
    run, symbols such as emoji are left out, and when most letters are missing nothing is shown at all.
    """
    text = unicodedata.normalize("NFC", text[:LONGEST])
    letters = [character for character in text if character.isalnum()]
    if sum(map(_has, letters)) < SHOWN_AT_LEAST * len(letters):
        return ""
    shown = "".join(_shown(character) for character in text)
    while ELLIPSIS * 2 in shown:
        shown = shown.replace(ELLIPSIS * 2, ELLIPSIS)
    return " ".join(shown.split())


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Return the text in lines at most `width` pixels wide; a word wider than that is broken."""
    lines: list[str] = []
    for word in _pieces(text, font, width):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def shortened(lines: list[str], count: int, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Return at most `count` lines, the last one ending in an ellipsis if there were more."""
    if len(lines) <= count:
        return lines
    last = lines[count - 1].rstrip(" ,.;:-" + ELLIPSIS)
    while last and font.getlength(last + ELLIPSIS) > width:
        last = last[:-1].rstrip()
    return [*lines[: count - 1], last + ELLIPSIS]


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\t\n\r\v\f":
        return " "
    # controls, among them those that turn the direction of writing round
    if category[0] == "C":
        return ""
    if _has(character):
        return character
    return ELLIPSIS if category[0] == "L" else ""


@functools.lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    face = font(32)
    return bytes(face.getmask(character)) != bytes(face.getmask("\U0010ffff"))


def _pieces(text: str, font: ImageFont.FreeTypeFont, width: float) -> Iterator[str]:
    for word in text.split():
        piece = ""
        for character in word:
            if piece and font.getlength(piece + character) > width:
                yield piece
                piece = ""
            piece += character
        yield piece
