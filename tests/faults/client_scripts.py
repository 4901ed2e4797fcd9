"""What users of the storm order: which model, and the words in the prompt that say how it shall go."""

import random

REMOTE_EVERY = 3  # orders of a user one goes to a remote model, beginning with the first
# how often each is asked for: most orders are plain
RENDERED = {
    "": 56,
    "[slow 3]": 8,
    "[crash once]": 4,
    "[flaky 1]": 4,
    "[fail]": 4,
    "[reject]": 3,
    "[flaky 2]": 2,
    "[fail at 50]": 2,
    "[error]": 2,
    "[crash]": 2,
    "[stall once]": 1,
    "[unavailable]": 1,
    "[timeout]": 1,
}
REMOTE = {
    "": 40,
    "[lost]": 6,
    "[broken]": 5,
    "[busy]": 5,
    "[drip]": 5,
    "[expired]": 4,
    "[strange]": 4,
    "[stutter]": 4,
    "[fail]": 4,
    "[flag]": 3,
    "[refuse]": 3,
    "[moderate]": 3,
    "[ages]": 3,
    "[empty]": 2,
    "[deleted]": 2,
    "[text]": 2,
}
# Prompts that can never become a video, whatever is tried again.
HOPELESS = frozenset(
    {
        *("[fail]", "[reject]", "[fail at 50]", "[error]", "[crash]", "[unavailable]", "[timeout]"),
        *("[flag]", "[refuse]", "[moderate]", "[ages]", "[empty]", "[deleted]", "[text]"),
    }
)


def draw(chance: random.Random, *, number: int) -> tuple[str, str]:
    """Return a model's name and the script of a user's order, whose number counts from 0."""
    if not is_remote(number):
        return "rehearsal", _one_of(chance, RENDERED)
    script = _one_of(chance, REMOTE)
    return ("hasty" if script == "[ages]" else chance.choice(("blind", "seeing"))), script


def is_remote(number: int) -> bool:
    """Tell whether a user's order, whose number counts from 0, is for a remote model."""
    return number % REMOTE_EVERY == 0


def _one_of(chance: random.Random, scripts: dict[str, int]) -> str:
    return chance.choices(list(scripts), list(scripts.values()))[0]
