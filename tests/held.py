"""A model whose videos wait for the test: what is to be seen meanwhile has all the time that it takes."""

import time
from pathlib import Path

from jobs.providers.base import Generation, Progress, Rendered
from jobs.providers.rehearsal import Rehearsal

SHARE = 0.4  # of the work that is done by then
LOOK_SECONDS = 0.2


def entry(gate: Path) -> dict:
    """Return the model's entry in VIDEO_MODELS. Its jobs go on while there is such a file."""
    options = {"gate": str(gate), "seconds": 0.2}
    return {"title": "Held", "provider": f"{__name__}.Held", "seconds_of_work": 0.4, "options": options}


class Held(Rehearsal):
    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        while not Path(generation.options["gate"]).exists():
            progress(SHARE, "Rehearsing")
            time.sleep(LOOK_SECONDS)
        return super().generate(generation, folder, progress)
