"""A model as somebody might serve it with Cog: it draws a plain video, and does what the prompt asks for.

It runs in Cog's own worker process. What it was given is written to the file that SEEN names.
"""

import json
import os
import tempfile
import time
from fractions import Fraction

import av
import numpy as np
from cog import BasePredictor, Input, Path

RATE = 8


class Predictor(BasePredictor):
    def setup(self) -> None:
        time.sleep(float(os.environ.get("SETUP_SECONDS", "0")))
        if os.environ.get("SETUP_FAILS"):
            raise RuntimeError("no weights there")

    def predict(
        self,
        prompt: str = Input(description="What is to be seen"),
        seconds: int = 5,
        width: int = 320,
        height: int = 180,
        seed: int = 0,
        picture: Path = Input(default=None),  # noqa: B008 - as Cog has it
        steps: int = 20,
    ) -> Path:
        size = picture.stat().st_size if picture else None
        said = {"prompt": prompt, "seconds": seconds, "width": width, "height": height, "seed": seed}
        with open(os.environ["SEEN"], "a") as seen:
            seen.write(json.dumps({**said, "picture": size, "steps": steps}) + "\n")
        if "[fail]" in prompt:
            raise ValueError("CUDA error: device-side assert triggered")
        if "[nsfw]" in prompt:
            raise ValueError("NSFW content detected")
        if "[wait]" in prompt:
            wait()
        if "[crash]" in prompt:
            os._exit(1)
        if "[text]" in prompt:
            return written(b"this is no video")
        return drawn(seconds / 4 if "[short]" in prompt else seconds, width, height, seed)


def wait() -> None:
    """Go on when it is allowed to, and say so; in small steps, for between two of them it can be ended."""
    end = time.monotonic() + 90
    while not os.path.exists(os.environ["SEEN"] + ".go") and time.monotonic() < end:
        time.sleep(0.05)
    with open(os.environ["SEEN"] + ".went", "a") as went:
        went.write("once\n")


def written(content: bytes) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".mp4", delete=False) as file:
        file.write(content)
    return Path(file.name)


def drawn(seconds: float, width: int, height: int, seed: int) -> Path:
    path = written(b"")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        ramp = np.linspace(0, 255, width, dtype=np.uint8)
        for number in range(round(seconds * RATE)):
            picture = np.empty((height, width, 3), np.uint8)
            picture[:] = np.roll(ramp, number * 7 + seed)[None, :, None]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
