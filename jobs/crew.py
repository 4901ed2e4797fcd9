"""What a supervisor runs in threads of its own beside the sweep: other apps sign theirs on when ready."""

from collections.abc import Callable
from typing import Protocol


class Hand(Protocol):
    """Something that works in threads of its own until it is stopped."""

    name: str

    def start(self) -> None: ...

    def is_alive(self) -> bool: ...

    def stop(self) -> None: ...


_makers: list[Callable[[], Hand]] = []


def sign_on(make: Callable[[], Hand]) -> None:
    """Have every supervisor make one and run it."""
    _makers.append(make)


def muster() -> list[Hand]:
    """Return one of each, not started yet."""
    return [make() for make in _makers]
