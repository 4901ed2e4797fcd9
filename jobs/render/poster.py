"""The poster: the best of a few frames, as a JPEG."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageFilter, ImageStat

from jobs.render import planes
from jobs.render.planes import Planes

CANDIDATES = (0.25, 0.4, 0.55, 0.7, 0.85)  # where in the video, as a share of it
LONGEST_SIDE = 1280
QUALITY = 88


class Poster:
    """Looks at the frames as they pass and keeps the best: one frame in memory, however long the video."""

    def __init__(self, frame_count: int) -> None:
        self._wanted = {round(share * (frame_count - 1)) for share in CANDIDATES}
        self._best: Planes | None = None
        self._best_score = -1.0

    def look(self, index: int, picture: Planes) -> None:
        """Consider frame `index`."""
        if index not in self._wanted:
            return
        rating = score(picture.y)
        if rating > self._best_score:
            self._best, self._best_score = picture.copy(), rating

    def save(self, path: Path) -> None:
        """Write the best frame seen. Raise OSError if it cannot be written."""
        if self._best is None:
            raise ValueError("no frame was looked at")
        write(planes.to_image(self._best), path)


def write(image: Image.Image, path: Path) -> None:
    """Save a picture as a poster. Raise OSError if it cannot be written."""
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    image.save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)


def score(light: Image.Image) -> float:
    """Return how good a poster this would make: contrast and detail count, too dark or too bright costs."""
    small = light.resize((160, 160), Image.Resampling.BOX)
    brightness = ImageStat.Stat(small)
    detail = ImageStat.Stat(small.filter(ImageFilter.FIND_EDGES).crop((1, 1, 159, 159))).mean[0]
    exposure = 1 - abs(brightness.mean[0] - 126) / 126
    return (brightness.stddev[0] + detail) * max(exposure, 0.05)
