"""A provider that goes no further than the test has seen it: each share stands until it was looked at."""

import time
from pathlib import Path

from jobs.providers.base import LocalProvider
from jobs.providers.rehearsal import Rehearsal

STEPS = 5
WAITS = range(1, STEPS)  # the steps that wait to be seen
LOOK_SECONDS = 0.1


def entry(folder: Path) -> dict:
    """Return the model's entry in VIDEO_MODELS. In `folder` it finds what was seen."""
    options = {"seen": str(folder), "seconds": 0}
    return {"title": "Stepping", "provider": f"{__name__}.Stepping", "seconds_of_work": 1, "options": options}


def go_on(folder: Path, step: float) -> None:
    """Let it leave that step."""
    _sign(folder, int(step)).touch()


def _sign(folder: Path, step: int) -> Path:
    return folder / f"seen-{step}"


class Stepping(LocalProvider):
    def generate(self, generation, folder, progress):
        for step in WAITS:
            while not _sign(Path(generation.options["seen"]), step).exists():
                progress(step / STEPS, "Stepping")
                time.sleep(LOOK_SECONDS)
        return Rehearsal().generate(generation, folder, lambda share, step: progress(1.0, step))
