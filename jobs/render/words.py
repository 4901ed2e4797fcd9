"""What a prompt asks for: the words that choose palette, motif, weather and camera.

The first word found wins, so "ocean, then a forest" is an ocean. What no word decides is decided by a
hash of the prompt, so the same prompt always looks the same.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence

Table = Mapping[str, Sequence[str]]

# A look beats a time of day, and that beats a matter: "snow at night" has the night's colours.
LOOKS: Table = {
    "neon": ("neon", "cyberpunk", "synthwave", "retro", "vaporwave", "disco"),
    "noir": ("noir", "black and white", "monochrome"),
}
TIMES: Table = {
    "sunset": ("sunset", "evening", "golden hour", "romantic"),
    "dawn": ("sunrise", "dawn", "morning", "pastel"),
    "day": ("day", "daytime", "noon", "sunny", "summer", "blue sky"),
    "night": ("night", "midnight", "moon", "moonlight", "moonlit", "starry", "stars", "dark"),
    "dusk": ("dusk", "twilight", "blue hour"),
}
MATTERS: Table = {
    "fire": ("fire", "fiery", "lava", "flame", "inferno", "volcano", "dragon", "explosion"),
    "ice": ("snow", "ice", "icy", "snowy", "winter", "frozen", "glacier", "arctic", "blizzard"),
    "storm": ("rain", "rainy", "storm", "stormy", "thunder", "cloudy", "fog", "foggy", "mist", "misty"),
    "autumn": ("autumn", "fall leaves", "gold", "golden", "orange", "harvest"),
    "bloom": ("flower", "blossom", "spring", "rose", "tulip", "pink", "cherry"),
    "aurora": ("aurora", "northern lights", "emerald", "magic", "dream", "fantasy"),
}

PLACES: Table = {
    "ocean": (
        "ocean",
        "sea",
        "wave",
        "beach",
        "island",
        "coast",
        "ship",
        "boat",
        "surf",
        "lake",
        "water",
        "whale",
    ),
    "forest": ("forest", "tree", "woods", "jungle", "pine", "bear", "deer", "wolf", "fox"),
    "city": (
        "city",
        "street",
        "skyline",
        "building",
        "downtown",
        "traffic",
        "car",
        "tokyo",
        "new york",
        "robot",
    ),
    "desert": ("desert", "dune", "sand", "camel", "sahara", "egypt", "mars"),
    "mountains": ("mountain", "hill", "valley", "peak", "alps", "cliff", "snow", "eagle", "castle"),
    "space": ("space", "galaxy", "planet", "astronaut", "universe", "cosmos", "rocket", "nebula", "alien"),
    "meadow": ("flower", "meadow", "garden", "field", "grass", "butterfly", "spring", "rose", "tulip", "bee"),
    "volcano": ("volcano", "lava", "fire", "flame", "dragon", "inferno"),
}
# What is no place of its own: "a magic forest" is a forest.
MOODS: Table = {
    "lights": ("aurora", "northern lights", "music", "dance", "dream", "abstract", "magic"),
}

# A motif's own colours, when no word names others.
USUAL_PALETTE: Mapping[str, str] = {
    "ocean": "ocean",
    "forest": "forest",
    "city": "dusk",
    "desert": "desert",
    "mountains": "day",
    "space": "space",
    "meadow": "bloom",
    "volcano": "fire",
    "lights": "aurora",
}

WEATHER: Table = {
    "snow": ("snow", "snowy", "snowing", "snowfall", "blizzard", "winter", "christmas"),
    "rain": ("rain", "rainy", "raining", "storm", "stormy", "thunder"),
    "embers": ("fire", "flame", "ember", "volcano", "lava", "dragon", "campfire"),
    "fireflies": ("firefly", "fireflies", "magic", "fairy", "lantern"),
    "petals": ("petal", "blossom", "cherry", "sakura", "spring", "confetti"),
    "leaves": ("leaves", "autumn", "fall leaves"),
    "bubbles": ("bubble", "underwater", "fish", "reef"),
}

CAMERA: Table = {
    "zoom in": ("zoom in", "zoom into", "push in", "close-up", "closeup", "closer"),
    "zoom out": ("zoom out", "pull out", "pull back", "wide shot"),
    "pan left": ("pan left", "pan to the left", "move left"),
    "pan right": ("pan right", "pan to the right", "move right", "pan"),
    "tilt up": ("tilt up", "look up", "tilt"),
    "tilt down": ("tilt down", "look down"),
    "orbit": ("orbit", "circle", "rotate", "around"),
    "rise": ("rise", "crane", "drone", "aerial", "fly", "ascend"),
    "dolly": ("dolly", "track", "forward", "walk", "drive", "travel", "through"),
    "still": ("still", "static", "tripod", "no movement"),
}

# For prompts that name none: what suits any subject.
QUIET_MOTIFS = ("mountains", "ocean", "meadow", "lights", "desert", "forest")
QUIET_PALETTES = ("sunset", "dawn", "day", "night", "dusk", "autumn", "bloom", "aurora")
QUIET_MOVES = ("dolly", "pan right", "pan left", "zoom in", "rise")

_PLURAL = r"(?:s|es)?"
_BENT = r"(?:e|s|es|d|ed|ing|ning|ned|ting|ted)?"  # zooms in, panning left, circling


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What to draw: names out of the tables above."""

    palette: str
    motif: str
    weather: str | None
    camera: str


def read(prompt: str) -> Reading:
    """Return what the prompt asks for."""
    motif = named(PLACES, prompt) or named(MOODS, prompt)
    usual = USUAL_PALETTE[motif] if motif else pick(QUIET_PALETTES, prompt, "palette")
    return Reading(
        palette=named(LOOKS, prompt) or named(TIMES, prompt) or named(MATTERS, prompt) or usual,
        motif=motif or pick(QUIET_MOTIFS, prompt, "motif"),
        weather=named(WEATHER, prompt),
        camera=move(prompt) or pick(QUIET_MOVES, prompt, "camera"),
    )


def move(prompt: str) -> str | None:
    """Return the camera move that the prompt names, in any form of the verb; None if none."""
    return named(CAMERA, prompt, endings=_BENT)


def named(table: Table, prompt: str, *, endings: str = _PLURAL) -> str | None:
    """Return the row whose word comes first in the prompt, the longer word at a tie; None if none does."""
    text = prompt.casefold()
    found = [
        (match.start(), -len(phrase), row)
        for row, phrases in table.items()
        for phrase in phrases
        if (match := _pattern(phrase, endings).search(text))
    ]
    return min(found)[2] if found else None


def pick(choices: Sequence[str], prompt: str, purpose: str) -> str:
    """Return the choice that the prompt's hash falls on; the same prompt, the same choice."""
    return choices[number(f"{purpose}:{_plain(prompt)}") % len(choices)]


def number(text: str) -> int:
    """Return a 64-bit number that is the same for the same text everywhere (unlike `hash`)."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _plain(prompt: str) -> str:
    return " ".join(prompt.casefold().split())


@functools.cache
def _pattern(phrase: str, endings: str) -> re.Pattern[str]:
    first, *rest = phrase.split(" ")
    stem = first.rstrip("e") if endings == _BENT else first
    return re.compile(r"\b" + r"\s+".join([re.escape(stem) + endings, *map(re.escape, rest)]) + r"\b")
