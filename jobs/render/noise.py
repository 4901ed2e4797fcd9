"""Clouds, ridges and stars out of a seeded generator."""

from __future__ import annotations

import numpy as np
from PIL import Image

from jobs.render.planes import Floats


def smooth(random: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Return soft random hills (rows, columns), about 0 to 1; `cells` hills across and down."""
    across, down = (max(2, count) for count in cells)
    grid = random.random((down + 3, across + 3), dtype=np.float32)
    # cut inside the grid: at its border a bicubic surface goes flat, which shows
    box = (1, 1, across + 2, down + 2)
    return np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC, box=box))


def clouds(
    random: np.random.Generator, size: tuple[int, int], cells: tuple[int, int], octaves: int = 5
) -> Floats:
    """Return cloudy noise (rows, columns), 0 to 1: hills upon hills, each half as high and twice as many."""
    total = np.zeros((size[1], size[0]), np.float32)
    for octave in range(octaves):
        total += smooth(random, size, (cells[0] << octave, cells[1] << octave)) * 0.5**octave
    return spread(total)


def ridge(
    random: np.random.Generator, width: int, hills: float, octaves: int = 6, rough: float = 0.5
) -> Floats:
    """Return a skyline (columns), -1 to 1, of about `hills` hills; `rough` is how high the small ones are."""
    line = np.zeros(width, np.float32)
    for octave in range(octaves):
        count = max(2, round(hills * 2**octave))
        line += smooth(random, (width, 1), (count, 2))[0] * rough**octave
    return spread(line) * 2 - 1


def spread(values: Floats) -> Floats:
    """Return the values stretched to 0 to 1."""
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1e-6)


def smoothstep(values: Floats, start: float, end: float) -> Floats:
    """Return 0 up to `start`, 1 from `end`, and a soft slope between."""
    share = np.clip((values - start) / (end - start), 0, 1)
    slope: Floats = share * share * (3 - 2 * share)
    return slope
