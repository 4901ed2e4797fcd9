"""Pipelines of the diffusers library, on a GPU of the worker's own (docs/diffusers.md).

Neither torch nor diffusers is imported here or in any process but the one that renders: they are installed
only where they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jobs.providers import diffusers_options
from jobs.providers.base import FailureCode, Generation, LocalProvider, Progress, ProviderError, Rendered
from jobs.providers.diffusers_options import Options
from jobs.providers.diffusers_pipelines import Pipelines
from jobs.render import encoder, planes, poster

PREPARED = 0.02  # share of the work done when the first step is due, that is, but for the model
DENOISED = 0.90
DECODED = 0.95
POSTER_AT = 0.99


class Diffusers(LocalProvider):
    """Makes videos with one model, which it loads when it makes the first."""

    entry = {"kept": True, "memory_mb": 0, "features": ("seed",)}

    def __init__(self) -> None:
        self._pipelines: Pipelines | None = None

    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        """Make `video.mp4` and `poster.jpg` in `folder`.

        Raise ProviderError if the model can't be loaded, can't do what was asked, or has not enough memory.
        """
        options = _options(generation)
        if self._pipelines is None or self._pipelines.options != options:
            self._pipelines = Pipelines(options)
        progress(0.0, "Loading the model")
        pipeline = self._pipelines.get(generation.generation_type)
        progress(PREPARED, "Reading the prompt")

        def step(done: int, total: int) -> None:
            said = f"Step {done} of {total}" if done < total else "Decoding the frames"
            progress(PREPARED + (DENOISED - PREPARED) * done / total, said)

        frames = pipeline.frames(generation, step)
        return _written(frames, generation, options, folder, progress)


def _options(generation: Generation) -> Options:
    try:
        return diffusers_options.read(generation.options)
    except ValueError as error:  # the checks say so too, where they are made
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, str(error)) from error


def _written(
    frames: Any, generation: Generation, options: Options, folder: Path, progress: Progress
) -> Rendered:
    """Write floating point frames (number, rows, columns, 3; 0 to 1) as what was asked for."""
    size, video = (generation.width, generation.height), folder / "video.mp4"
    wanted = frames[: options.fps * generation.duration_seconds]
    if len(wanted) <= options.fps * generation.duration_seconds - options.frame_step:
        asked = options.fps * generation.duration_seconds
        detail = f"The model made {len(wanted)} frames, where {asked} were asked for."
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, detail)
    chosen = poster.Poster(len(wanted))
    with encoder.Encoder(video, size=size, frames_per_second=options.fps) as output:
        for index, frame in enumerate(wanted):
            picture = planes.from_image(_picture(frame, size))
            output.add(picture)
            chosen.look(index, picture)
            progress(DECODED + (POSTER_AT - DECODED) * (index + 1) / len(wanted), "Encoding the video")
    chosen.save(folder / "poster.jpg")
    progress(1.0, "done")
    return Rendered(
        video=video,
        poster=folder / "poster.jpg",
        width=generation.width,
        height=generation.height,
        frames_per_second=options.fps,
        duration_seconds=len(wanted) / options.fps,
    )


def _picture(frame: Any, size: tuple[int, int]) -> Image.Image:
    """Return the middle of a frame. Raise ProviderError if there is nothing to be seen, or not enough."""
    width, height = size
    rows, columns = frame.shape[:2]
    if rows < height or columns < width:
        detail = f"The model made frames of {columns} x {rows}, where {width} x {height} were asked for."
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, detail)
    if not np.isfinite(frame).all():
        detail = "The model made pictures of no numbers (NaN). Another dtype may help: bfloat16, or float32."
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, detail)
    top, left = (rows - height) // 2, (columns - width) // 2
    middle = frame[top : top + height, left : left + width]
    return Image.fromarray(np.rint(middle * 255).astype(np.uint8))
