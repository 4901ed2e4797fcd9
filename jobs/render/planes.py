"""Pictures as video stores them: one plane of light, two of colour at half the size (yuv420p, BT.709).

Drawing straight into these planes touches 1.5 bytes a pixel where RGB touches four, and the encoder
takes them as they are: nothing is converted for each frame.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

Floats = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the light plane; fractions are meant."""

BLACK, WHITE, NO_COLOUR = 16, 235, 128  # "limited range", what every player expects
_LIGHT = (0.2126, 0.7152, 0.0722)


@dataclasses.dataclass(frozen=True, slots=True)
class Planes:
    """A picture with even sides; `y` is light, `u` and `v` colour. Drawing changes them in place."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def __iter__(self) -> Iterator[Image.Image]:
        return iter((self.y, self.u, self.v))

    @property
    def size(self) -> tuple[int, int]:
        return self.y.size

    def copy(self) -> Planes:
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())


@dataclasses.dataclass(frozen=True, slots=True)
class Mask:
    """How much of a picture covers what is under it, 0 to 255, for the light and for the colour planes."""

    full: Image.Image
    half: Image.Image

    def faded(self, strength: float) -> Mask:
        """Return the mask at `strength` (0 to 1) of itself."""
        if strength >= 1:
            return self
        levels = [round(level * strength) for level in range(256)]
        return Mask(self.full.point(levels), self.half.point(levels))


def yuv(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as the three bytes a frame stores."""
    red, green, blue = colour
    light = _LIGHT[0] * red + _LIGHT[1] * green + _LIGHT[2] * blue
    return (
        round(16 + 219 * light),
        round(128 + 224 * (blue - light) / 1.8556),
        round(128 + 224 * (red - light) / 1.5748),
    )


def even(pixels: float) -> int:
    """Return the nearest even number: colour planes are half as wide and high."""
    return 2 * round(pixels / 2)


def plain(size: tuple[int, int], colour: Colour) -> Planes:
    """Return a picture of one colour."""
    width, height = size
    y, u, v = yuv(colour)
    half = (width // 2, height // 2)
    return Planes(Image.new("L", size, y), Image.new("L", half, u), Image.new("L", half, v))


def from_floats(rgb: Floats, noise: Floats | None = None) -> Planes:
    """Return a picture from red, green and blue (rows, columns, 3; 0 to 1).

    `noise` (rows, columns; 0 to 1) decides which way a value between two levels is rounded: without it
    a wide gradient shows as bands.
    """
    rgb = np.clip(rgb, 0, 1)
    light = rgb @ np.asarray(_LIGHT, np.float32)
    y = 16 + 219 * light
    y = np.floor(y + noise) if noise is not None else np.rint(y)
    u = 128 + 224 / 1.8556 * _halved(rgb[..., 2] - light)
    v = 128 + 224 / 1.5748 * _halved(rgb[..., 0] - light)
    return Planes(_image(y), _image(u), _image(v))


def from_image(image: Image.Image) -> Planes:
    """Return an RGB picture with even sides as planes."""
    frame = av.VideoFrame.from_image(image).reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
    )
    return from_frame(frame)


def from_frame(frame: av.VideoFrame) -> Planes:
    """Return a copy of a yuv420p frame."""
    y, u, v = (Image.fromarray(_rows(plane)[:, : plane.width].copy()) for plane in frame.planes)
    return Planes(y, u, v)


def to_frame(picture: Planes) -> av.VideoFrame:
    """Return the picture as a frame for libav."""
    frame = av.VideoFrame(*picture.size, "yuv420p")
    frame.color_range = ColorRange.MPEG
    frame.colorspace = Colorspace.ITU709
    for plane, image in zip(frame.planes, picture, strict=True):
        _rows(plane)[:, : plane.width] = np.asarray(image)
    return frame


def to_image(picture: Planes) -> Image.Image:
    """Return the picture in RGB."""
    frame = to_frame(picture).reformat(
        format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG
    )
    return Image.fromarray(frame.to_ndarray())


def scaled(picture: Planes, size: tuple[int, int]) -> Planes:
    """Return the picture at another size: quick, for whole frames (see `window` for moves)."""
    if picture.size == size:
        return picture
    return from_frame(to_frame(picture).reformat(*size, interpolation=Interpolation.BICUBIC))


def window(picture: Planes, box: Box, size: tuple[int, int]) -> Planes:
    """Return what is seen through `box`, at `size`. Fractions of a pixel count: slow moves stay smooth."""
    half_box, half_size = _half(box), (size[0] // 2, size[1] // 2)
    return Planes(
        picture.y.resize(size, Image.Resampling.BICUBIC, box=box),
        picture.u.resize(half_size, Image.Resampling.BILINEAR, box=half_box),
        picture.v.resize(half_size, Image.Resampling.BILINEAR, box=half_box),
    )


def mask_window(mask: Mask, box: Box, size: tuple[int, int]) -> Mask:
    """Return what is seen of a mask through `box`."""
    half_size = (size[0] // 2, size[1] // 2)
    return Mask(
        mask.full.resize(size, Image.Resampling.BICUBIC, box=box),
        mask.half.resize(half_size, Image.Resampling.BILINEAR, box=_half(box)),
    )


def mask(coverage: Floats) -> Mask:
    """Return the mask for a coverage (rows, columns; 0 to 1)."""
    return Mask(_image(coverage * 255), _image(_halved(coverage) * 255))


def mask_from_image(image: Image.Image) -> Mask:
    """Return the mask that a picture of greys describes."""
    width, height = image.size
    return Mask(image, image.resize((width // 2, height // 2), Image.Resampling.BOX))


def cover(onto: Planes, picture: Planes, at: tuple[int, int]) -> None:
    """Lay a picture over another, all of it; `at` is even. What falls outside is cut off."""
    half = (at[0] // 2, at[1] // 2)
    onto.y.paste(picture.y, at)
    onto.u.paste(picture.u, half)
    onto.v.paste(picture.v, half)


def paste(onto: Planes, picture: Planes, mask: Mask, at: tuple[int, int] = (0, 0)) -> None:
    """Lay a picture over another through a mask; `at` is even. What falls outside is cut off."""
    half = (at[0] // 2, at[1] // 2)
    onto.y.paste(picture.y, at, mask.full)
    onto.u.paste(picture.u, half, mask.half)
    onto.v.paste(picture.v, half, mask.half)


def tint(onto: Planes, colour: Colour, mask: Mask, at: tuple[int, int] = (0, 0)) -> None:
    """Lay one colour over a picture through a mask; `at` is even. What falls outside is cut off."""
    y, u, v = yuv(colour)
    half = (at[0] // 2, at[1] // 2)
    onto.y.paste(y, at, mask.full)
    onto.u.paste(u, half, mask.half)
    onto.v.paste(v, half, mask.half)


def _half(box: Box) -> Box:
    left, top, right, bottom = box
    return (left / 2, top / 2, right / 2, bottom / 2)


def _halved(values: Floats) -> Floats:
    rows, columns = values.shape
    halved: Floats = values.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return halved


def _image(values: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _rows(plane: av.video.plane.VideoPlane) -> Bytes:
    # rows are padded to the width that libav likes
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
