"""The rehearsal model: words in brackets choose what happens, like a payment system's test cards."""

from __future__ import annotations

import dataclasses
import os
import re
import resource
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from django.conf import settings

from jobs.providers.base import FailureCode, Generation, LocalProvider, Progress, ProviderError, Rendered
from jobs.render import encoder, poster, slate

DEFAULT_SECONDS = 1.0  # what a rehearsal takes at least; `seconds` in the model's options changes it
LONGEST_SLOW = 3600
REPORT_EVERY = 0.25  # seconds between reports of progress while waiting
ALWAYS = 10_000  # attempts
PIECE_BYTES = 16 * 1024 * 1024
HOG_BYTES = 512 * 1024 * 1024  # taken by `hog` at most where there is no ceiling; else so much above it
WORD = re.compile(r"\[\s*([a-z]+)(?:\s+(once|\d{1,4}))?(?:\s+at\s+(\d{1,3}))?\s*\]")

ERRORS: Mapping[str, FailureCode] = {
    "fail": FailureCode.PROVIDER_REJECTED,
    "reject": FailureCode.CONTENT_REJECTED,
    "image": FailureCode.INVALID_IMAGE,
    "reference": FailureCode.REFERENCE_ERROR,
    "timeout": FailureCode.PROVIDER_TIMEOUT,
    "unavailable": FailureCode.PROVIDER_UNAVAILABLE,
    "flaky": FailureCode.PROVIDER_UNAVAILABLE,
}
RETRYABLE = {"unavailable", "flaky"}  # and any error that is said to come only so many times


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """One thing to go wrong: what, on the first how many attempts, and after which share of the work."""

    word: str
    attempts: int = ALWAYS
    at: float = 0.0

    def happen(self) -> None:
        """Do it. Raise what it says; `crash` ends the process, `stall` and `hang` go silent."""
        if code := ERRORS.get(self.word):
            retryable = self.word in RETRYABLE or self.attempts < ALWAYS
            raise ProviderError(code, f"The prompt asked for [{self.word}].", retryable=retryable)
        ACTIONS[self.word]()


@dataclasses.dataclass(frozen=True, slots=True)
class Script:
    """What a prompt asks for: things to go wrong, in its order, and how long it takes."""

    outcomes: tuple[Outcome, ...] = ()
    seconds: float | None = None

    def outcome(self, attempt: int) -> Outcome | None:
        """Return what goes wrong on this attempt: the first that does."""
        return next((outcome for outcome in self.outcomes if attempt <= outcome.attempts), None)


class Rehearsal(LocalProvider):
    """Plays the prompt's script and, where that lets it, makes a real if plain video."""

    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        """Make `video.mp4` and `poster.jpg` in `folder`, or fail as the prompt says."""
        script = read(generation.prompt)
        outcome = script.outcome(generation.attempt)
        pace = Pace(script.seconds or float(generation.options.get("seconds", DEFAULT_SECONDS)), progress)
        size, count = (generation.width, generation.height), generation.frame_count
        frames = slate.Slate(
            size=size, prompt=generation.prompt, seconds=generation.duration_seconds, image=generation.image
        )
        chosen, video = poster.Poster(count), folder / "video.mp4"
        with encoder.Encoder(
            video, size=size, frames_per_second=generation.frames_per_second, preset="ultrafast", quality=26
        ) as output:
            for index in range(count):
                _play(outcome, index / count)
                picture = frames.frame(share=index / count)
                output.add(picture)
                chosen.look(index, picture)
                pace.keep((index + 1) / count)
            _play(outcome, 1.0)
        chosen.save(folder / "poster.jpg")
        progress(1.0, "done")
        return Rendered(
            video=video,
            poster=folder / "poster.jpg",
            width=generation.width,
            height=generation.height,
            frames_per_second=generation.frames_per_second,
            duration_seconds=count / generation.frames_per_second,
        )


class Pace:
    """Spreads the work evenly over so many seconds, reporting progress all the while."""

    def __init__(self, seconds: float, progress: Progress) -> None:
        self._seconds, self._progress = seconds, progress
        self._started = time.monotonic()

    def keep(self, share: float) -> None:
        """Return when `share` of the time has passed; at once if it already has."""
        while (passed := self._passed()) < share:
            self._progress(passed * 0.99, "Rehearsing")
            time.sleep(min((share - passed) * self._seconds, REPORT_EVERY))
        self._progress(share * 0.99, "Rehearsing")

    def _passed(self) -> float:
        return (time.monotonic() - self._started) / self._seconds if self._seconds > 0 else 1.0


def read(prompt: str) -> Script:
    """Return the script in the prompt's brackets; words that are none of ours are left alone."""
    outcomes, seconds = [], None
    for word, count, at in WORD.findall(prompt.casefold()):
        if word == "slow":
            seconds = min(float(count or 0) if count != "once" else 0.0, LONGEST_SLOW) or None
        elif word in ERRORS or word in ACTIONS:
            outcomes.append(Outcome(word, attempts=_attempts(count), at=min(int(at or 0), 100) / 100))
    return Script(tuple(outcomes), seconds)


def _attempts(count: str) -> int:
    if count == "once":
        return 1
    return int(count) if count else ALWAYS


def _play(outcome: Outcome | None, share: float) -> None:
    if outcome and share >= outcome.at:
        outcome.happen()


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stall() -> None:
    # Silence is the point: no progress is reported, so the lease runs out. The end is only a last resort.
    time.sleep(settings.JOB_TIMEOUT_SECONDS)
    raise ProviderError(FailureCode.PROVIDER_TIMEOUT, "Nobody ended the stall that the prompt asked for.")


def _error() -> None:
    raise RuntimeError("The prompt asked for [error].")


def _hang() -> None:
    # One call into native code that holds the interpreter's lock and needs some 2 ** 60 steps: no other
    # thread of this process runs again, and no handler of a signal.
    re.match(r"(a+)+b", "a" * 60)
    raise ProviderError(FailureCode.PROVIDER_TIMEOUT, "Nobody ended the hang that the prompt asked for.")


def _hog() -> None:
    ceiling = resource.getrlimit(resource.RLIMIT_DATA)[0]
    most = HOG_BYTES if ceiling == resource.RLIM_INFINITY else ceiling + HOG_BYTES
    taken: list[bytes] = []
    while len(taken) * PIECE_BYTES < most:  # where the ceiling is not kept: no further than this
        taken.append(b"x" * PIECE_BYTES)  # written to, so that it is memory and not a promise
    detail = f"The prompt asked for [hog]: nothing kept it from {most >> 20} MB."
    raise ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True)


ACTIONS: Mapping[str, Callable[[], None]] = {
    "crash": _crash,
    "stall": _stall,
    "hang": _hang,
    "hog": _hog,
    "error": _error,
}
