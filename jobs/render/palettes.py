"""The colours of a scene."""

from __future__ import annotations

import dataclasses

from jobs.render.planes import Colour


@dataclasses.dataclass(frozen=True, slots=True)
class Palette:
    """Sky from top to horizon, the sun or moon, land from far to near, and one colour for small lights."""

    zenith: Colour
    sky: Colour
    horizon: Colour
    light: Colour
    far: Colour
    near: Colour
    accent: Colour
    is_night: bool


def _palette(colours: str, *, is_night: bool = False) -> Palette:
    zenith, sky, horizon, light, far, near, accent = map(_colour, colours.split())
    return Palette(zenith, sky, horizon, light, far, near, accent, is_night)


def _colour(code: str) -> Colour:
    red, green, blue = bytes.fromhex(code)
    return (red / 255, green / 255, blue / 255)


#                     zenith sky    horizon light  far    near   accent
PALETTES = {
    "sunset": _palette("2b1b5a b8457a ffb26b fff0c0 a8527e 1d1030 ff7f5c"),
    "dawn": _palette("5b7fc4 f0a8b0 ffe3c0 fffbe8 b79cc4 3a3358 ffc0a8"),
    "day": _palette("2a78d0 7fbdf0 dff2fb ffffff 8fb4cc 1f4a4a ffd166"),
    "night": _palette("050a1f 122650 3a629c eef3ff 25427a 050a18 ffd98a", is_night=True),
    "dusk": _palette("161a4a 5a4a9a f08a78 ffe0b8 6b558c 120f2a ffc46b", is_night=True),
    "neon": _palette("0a0420 4a1280 ff3fa8 9df9ff 5a1a8a 0b0320 19f0ff", is_night=True),
    "fire": _palette("1a0608 7a1a12 ff7a2a ffd890 6e1f14 120405 ffa040"),
    "ice": _palette("6f9fd6 b8d6ee f6fbff ffffff a9c3dc 3d5a7c ffffff"),
    "storm": _palette("2f3a49 66788a b8c3c8 e8eef2 6c7b88 161c24 cfe0ec"),
    "autumn": _palette("4a6a9a f0b060 ffe9b0 fff6d8 c77a3a 3a1a0e ffb020"),
    "bloom": _palette("7fb2f0 ffc9de fff0e6 ffffff c9b0d6 3f7040 ff6fa5"),
    "aurora": _palette("03101f 0a3446 23a58c e8fff4 15485a 020a12 6ff0c0", is_night=True),
    "noir": _palette("1c1c1e 5c5c60 d8d8da ffffff 7a7a7e 0c0c0e f2f2f2"),
    "ocean": _palette("1769b0 5cb8e0 e6f7f4 ffffff 3f9cc0 06304f fff2c0"),
    "forest": _palette("3a7f8c a8d0b0 f2f3cf fffbe0 7fae95 0f2a22 d8f07a"),
    "desert": _palette("4f8fc8 f2c28a ffe6b8 fff6dc e0a066 7a3b1e ffb45c"),
    "space": _palette("04030f 140b38 3a1b6e fff2d8 2a1850 04030f 7fd0ff", is_night=True),
}
