"""The preview model: moving scenes and pictures drawn on the CPU. It is no generative model and says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import UnidentifiedImageError

from jobs.providers.base import FailureCode, Generation, LocalProvider, Progress, ProviderError, Rendered
from jobs.render import camera, encoder, overlay, picture, planes, poster, scene, weather, words
from jobs.render.overlay import Overlay
from jobs.render.planes import Planes

# The short side at which each is drawn, by the video's. Scenes are soft and lose nothing by being enlarged;
# letters are always drawn at full size.
DRAWN_SCENE = {480: 480, 720: 720, 1080: 810, 2160: 1080}
DRAWN_PICTURE = {480: 480, 720: 720, 1080: 1080, 2160: 1440}
PREPARED = 0.03  # share of the work done when the first frame is due
POSTER_AT = 0.99


class Preview(LocalProvider):
    """Makes a video whose look follows from the prompt's words, or that moves the user's own picture."""

    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        """Make `video.mp4` and `poster.jpg` in `folder`.

        Raise ProviderError if a picture is none, OSError if the disk is full.
        """
        progress(0.0, "Preparing the scene")
        video, chosen = folder / "video.mp4", poster.Poster(generation.frame_count)
        frames = self._frames(generation)
        with encoder.Encoder(
            video,
            size=(generation.width, generation.height),
            frames_per_second=generation.frames_per_second,
        ) as output:
            for index, frame in enumerate(frames):
                output.add(frame)
                chosen.look(index, frame)
                done = (index + 1) / generation.frame_count
                progress(PREPARED + (POSTER_AT - PREPARED) * done, "Rendering")
        progress(POSTER_AT, "choosing the poster")
        chosen.save(folder / "poster.jpg")
        progress(1.0, "done")
        return Rendered(
            video=video,
            poster=folder / "poster.jpg",
            width=generation.width,
            height=generation.height,
            frames_per_second=generation.frames_per_second,
            duration_seconds=generation.frame_count / generation.frames_per_second,
        )

    def _frames(self, generation: Generation) -> Iterator[Planes]:
        """Yield the video's frames, each when it is wanted."""
        size = (generation.width, generation.height)
        show, overlays = self._show(generation), self._overlays(generation)
        for index in range(generation.frame_count):
            seconds = index / generation.frames_per_second
            share = index / max(generation.frame_count - 1, 1)
            frame = planes.scaled(show.frame(share=share, seconds=seconds), size)
            for over in overlays:
                over.draw(frame, seconds)
            yield frame

    def _show(self, generation: Generation) -> scene.Scene | picture.MovingPicture:
        reading = words.read(generation.prompt)
        move = camera.STILL if generation.camera_fixed else camera.MOVES[reading.camera]
        if generation.image is None:
            size = drawn_size(generation.width, generation.height, DRAWN_SCENE)
            return scene.Scene(reading, seed=generation.seed, size=size, move=move)
        size = drawn_size(generation.width, generation.height, DRAWN_PICTURE)
        over = None
        if reading.weather:
            setting = scene.arranged(reading, seed=generation.seed, size=size)
            over = weather.Weather(setting, weather.KINDS[reading.weather])
        with _reading(FailureCode.INVALID_IMAGE):
            return picture.MovingPicture(generation.image, move=move, size=size, weather=over)

    def _overlays(self, generation: Generation) -> list[Overlay]:
        size = (generation.width, generation.height)
        overlays = [overlay.mark(size)]
        # nothing is written over a user's own picture but the mark
        if generation.image is None and (caption := overlay.caption(generation.prompt, size)):
            overlays.append(caption)
        if generation.portrait:
            with _reading(FailureCode.REFERENCE_ERROR):
                overlays.append(overlay.portrait(generation.portrait, size))
        return overlays


def drawn_size(width: int, height: int, sides: Mapping[int, int]) -> tuple[int, int]:
    """Return the size at which a video of `width` x `height` is drawn: its shape, both sides even."""
    short = min(width, height)
    scale = min(1.0, sides.get(short, min(sides.values())) / short)
    return (planes.even(width * scale), planes.even(height * scale))


@contextlib.contextmanager
def _reading(failure: FailureCode) -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise ProviderError(failure, str(error)) from error
