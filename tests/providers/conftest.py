"""A generation to change at will."""

import dataclasses
import uuid

import pytest

from jobs import formats
from jobs.providers.base import Generation


@pytest.fixture
def generation():
    """Return a maker of generations: small and short unless told otherwise."""

    def make(prompt="A ship on the ocean at sunset", **changes):
        width, height = formats.frame_size("sd_480p", "16:9")
        plain = Generation(
            job_id=uuid.uuid4(),
            attempt=1,
            generation_type="text_to_video",
            prompt=prompt,
            width=width,
            height=height,
            frames_per_second=formats.FRAMES_PER_SECOND,
            duration_seconds=1,
            seed=7,
            camera_fixed=False,
        )
        return dataclasses.replace(plain, **changes)

    return make


@pytest.fixture
def quiet():
    """A progress that nobody looks at."""
    return lambda share, step: None
