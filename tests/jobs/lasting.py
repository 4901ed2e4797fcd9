"""A provider whose process is kept, and that tells how often it was asked."""

import os
import time

from jobs.providers.base import LocalProvider
from jobs.providers.rehearsal import Rehearsal

NAP_SECONDS = 16


class Lasting(LocalProvider):
    """Plays the prompt's script, and counts for how many it was asked."""

    entry = {"kept": True, "memory_mb": 512, "options": {"seconds": 0}}

    def __init__(self):
        self.asked = 0

    def generate(self, generation, folder, progress):
        self.asked += 1
        os.write(2, f"asked {self.asked}\n".encode())
        if generation.prompt == "a nap":  # longer than a short lease, and silent
            time.sleep(NAP_SECONDS)
        return Rehearsal().generate(generation, folder, progress)
