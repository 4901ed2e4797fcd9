"""Jobs held up once room was found for them, before it is noted that they are about to be submitted."""

import threading

from jobs.providers.openai_videos import OpenAIVideos
from tests.remote.watching import PATIENCE


class Gate:
    """Where the driver stops, with all it has at hand, until it is `open`."""

    def __init__(self):
        self.reached, self.open = threading.Event(), threading.Event()


class Gated(OpenAIVideos):
    """Is not made ready for a submit while a gate is shut."""

    gate = None

    def __init__(self, route):
        super().__init__(route)
        if (gate := self.gate) and threading.current_thread().name == "driver":
            gate.reached.set()
            gate.open.wait(PATIENCE)
