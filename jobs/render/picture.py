"""A user's picture brought to life: the camera moves through it as if it had depth.

Depth is only guessed: what is lower and nearer the middle of a picture tends to be closer to the camera,
and so does what is brighter. The guess is very smooth, and the picture is bent along it like cloth, so
nothing tears and nothing shows twice.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from jobs.render import camera, noise, planes
from jobs.render.camera import Move, Pose
from jobs.render.planes import Floats, Planes
from jobs.render.stage import Element, Moment

CELLS = 14  # of the mesh, along the longer side
GENTLE = 0.55  # a picture has no scenery outside its frame: its moves are this much of a scene's
RELIEF = 0.2  # how differently near and far parts move, as a share of the move
SAFE = 0.004  # of the frame: how far inside the picture's border the mesh stays
GLEAM = 26  # the light that passes over the picture, of 255
FLAT = 0.012  # frame widths that near parts pass far ones sideways, so that a mere zoom shows depth too


class MovingPicture:
    """A picture seen through a moving camera, with `weather` over it if any.

    `frame` returns it at any moment; the same moment, the same picture.
    """

    def __init__(
        self, path: Path, *, move: Move, size: tuple[int, int], weather: Element | None = None
    ) -> None:
        self._size = size
        self._move = move
        self._weather = weather
        self._source = planes.from_image(_opened(path, size))
        self._columns, self._rows = _lines(size, 0), _lines(size, 1)
        self._nearness = _nearness(self._source, (len(self._columns), len(self._rows)))
        self._gleam = _gleam(size)
        self._room = _room(move)

    def frame(self, *, share: float, seconds: float) -> Planes:
        """Return the picture at `share` (0 to 1) of the video, `seconds` from its start."""
        picture = self._source.copy() if self._move == camera.STILL else self._seen(share)
        self._light(picture, share)
        if self._weather:
            self._weather.draw(picture, Moment(share=share, seconds=seconds, move=self._move), self._size[1])
        return picture

    def _seen(self, share: float) -> Planes:
        width, height = self._size
        corners = [
            [
                self._corner(share, x / width, y / height, float(self._nearness[row, column]))
                for column, x in enumerate(self._columns)
            ]
            for row, y in enumerate(self._rows)
        ]
        return Planes(
            self._bent(self._source.y, corners, Image.Resampling.BICUBIC),
            self._bent(self._source.u, corners, Image.Resampling.BILINEAR),
            self._bent(self._source.v, corners, Image.Resampling.BILINEAR),
        )

    def _bent(
        self, image: Image.Image, corners: list[list[tuple[float, float]]], how: Image.Resampling
    ) -> Image.Image:
        """Return a plane drawn over the mesh, whose corners show the given points (parts of the picture)."""
        width, height = image.size
        scale = self._size[0] // width
        pieces: list[tuple[tuple[int, int, int, int], tuple[float, ...]]] = []
        for row, (top, bottom) in enumerate(itertools.pairwise(self._rows)):
            for column, (left, right) in enumerate(itertools.pairwise(self._columns)):
                around = ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
                points = (corners[down][across] for down, across in around)
                quad = tuple(value for x, y in points for value in (x * width, y * height))
                pieces.append(((left // scale, top // scale, right // scale, bottom // scale), quad))
        return image.transform(image.size, Image.Transform.MESH, pieces, how)

    def _corner(self, share: float, x: float, y: float, near: float) -> tuple[float, float]:
        """Return which point of the picture (parts of it) is seen at (x, y) of the frame."""
        pose = _gentle(self._move, share, near)
        zoom = pose.zoom * self._room
        left, top = 0.5 + pose.x + (x - 0.5) / zoom, 0.5 + pose.y + (y - 0.5) / zoom
        return min(max(left, SAFE), 1 - SAFE), min(max(top, SAFE), 1 - SAFE)

    def _light(self, picture: Planes, share: float) -> None:
        """Let a soft light pass slowly from left to right."""
        width, height = self._size
        offset = round((1 - share) * (self._gleam.width - width))
        picture.y.paste(planes.WHITE, (0, 0), self._gleam.crop((offset, 0, offset + width, height)))


def _opened(path: Path, size: tuple[int, int]) -> Image.Image:
    """Return the picture filling a frame of `size`: cut at the edges if it must be, never stretched."""
    with Image.open(path) as opened:
        opened.draft("RGB", (size[0] * 2, size[1] * 2))
        return ImageOps.fit(opened.convert("RGB"), size, Image.Resampling.LANCZOS)


def _gentle(move: Move, share: float, near: float) -> Pose:
    middle = move.at(share, 0.5)
    far, close = move.at(share, 0.5 - RELIEF), move.at(share, 0.5 + RELIEF)
    tilt = near - 0.5
    return Pose(
        x=GENTLE * (middle.x + (close.x - far.x) * tilt) + FLAT * (share - 0.5) * tilt,
        y=GENTLE * (middle.y + (close.y - far.y) * tilt),
        zoom=1 + GENTLE * (middle.zoom - 1 + (close.zoom - far.zoom) * tilt * 0.5),
    )


def _room(move: Move) -> float:
    """Return the zoom that keeps every corner of the frame on the picture during the whole move."""
    need = 1.0
    for share in np.linspace(0, 1, 9):
        for near in (0.0, 0.5, 1.0):
            pose = _gentle(move, float(share), near)
            reach = max(abs(pose.x), abs(pose.y)) + SAFE
            need = max(need, 1 / (pose.zoom * (1 - 2 * reach)))
    return need


def _lines(size: tuple[int, int], axis: int) -> list[int]:
    """Return where the mesh's lines lie; even, so that they fall on whole pixels of the colour planes too."""
    cells = max(3, round(CELLS * size[axis] / max(size)))
    return [planes.even(size[axis] * index / cells) for index in range(cells + 1)]


def _nearness(source: Planes, mesh: tuple[int, int]) -> Floats:
    """Return how near each corner of the mesh is guessed to be, 0 to 1."""
    columns, rows = mesh
    xs = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    ys = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    small = source.y.resize(mesh, Image.Resampling.BOX)
    light = np.asarray(small, np.float32) / 255
    near = 0.45 * (ys * 0.5 + 0.5) + 0.40 * np.exp(-(xs**2 + ys**2) / 0.6) + 0.15 * light
    soft = Image.fromarray(near.astype(np.float32)).resize((5, 5), Image.Resampling.BOX)
    back = np.asarray(soft.resize(mesh, Image.Resampling.BICUBIC))
    return noise.spread(0.5 * near + 0.5 * back)


def _gleam(size: tuple[int, int]) -> Image.Image:
    """Return a soft band of light, three frames wide, that a frame-sized window passes over."""
    width, height = size
    across = np.linspace(-1.5, 1.5, max(8, width * 3 // 8), dtype=np.float32)[None, :]
    down = np.linspace(-0.5, 0.5, max(8, height // 8), dtype=np.float32)[:, None]
    band = np.exp(-(((across + 0.35 * down) / 0.38) ** 2)) * GLEAM
    return Image.fromarray(band.astype(np.uint8)).resize((width * 3, height), Image.Resampling.BILINEAR)
