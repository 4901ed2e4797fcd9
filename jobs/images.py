"""A user's image: fetched or uploaded, checked, turned upright, and written as a plain RGB JPEG."""

import contextlib
import dataclasses
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from base.errors import DomainError
from jobs import bombs, formats
from jobs.providers.base import FailureCode, ProviderError

MAX_PIXELS = 50_000_000
MAX_SIDE = 65_500  # pixels; what a JPEG can hold
TOO_LARGE = "The picture is too large. Send one of at most 50 megapixels, no side longer than 65,500 pixels."
QUALITY = 92
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
FORMAT_OF_SUFFIX = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's readers of these four formats raise for a bad file, by its source and by fuzzing it.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
)
TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# For the whole process, and once: warnings.catch_warnings() is not safe among threads.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class InvalidImage(DomainError):
    """The picture could not be used. Send a JPEG, PNG, WebP or AVIF of at most 20 MB."""

    code = "invalid_request"

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail or self.message  # for staff


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture ready for a provider: an upright RGB JPEG at `path`, sides in pixels, `format` it came in."""

    path: Path
    width: int
    height: int
    format: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A picture as it came, unopened: `name` is the user's own, for an upload; `remark` is for staff."""

    path: Path
    name: str = ""
    remark: str = ""


def prepare(original: Original, folder: Path, *, failure: FailureCode, resolution: str = "") -> Picture:
    """Normalise an original into `folder` and remove it. Raise ProviderError with `failure`."""
    target = folder / f"{original.path.stem}.jpg"
    try:
        return normalise(original.path, target, name=original.name, resolution=resolution)
    except InvalidImage as error:
        raise ProviderError(failure, error.detail + original.remark) from error
    finally:
        original.path.unlink()


def check(file: IO[bytes], *, name: str = "") -> str:
    """Return the format of the picture in `file` by its structure and header; no pixels are decoded.

    `name` is the user's name for the file; its ending must fit the content, and "" has none.
    The file is left at its start. Raise InvalidImage.
    """
    _require_harmless(file)
    with _reading(), Image.open(file, formats=FORMATS) as image:
        kind = _require_still_picture(image)
    _require_name(name, kind)
    file.seek(0)
    return kind


def normalise(source: Path, target: Path, *, name: str = "", resolution: str = "") -> Picture:
    """Write the picture in `source` to `target` as an upright RGB JPEG without metadata.

    Transparency goes onto white, colours into sRGB. `name` is as for `check`. With a `resolution` it is made
    no larger than the frame of such a video. The largest picture takes up to 1 GB of memory and some seconds.
    Raise InvalidImage.
    """
    with source.open("rb") as file:
        kind = check(file, name=name)
        with _reading():
            pixels = _decoded(file)
    if resolution:
        pixels = _within(pixels, formats.fit(resolution, pixels.width, pixels.height))
    pixels.info = {}  # or a comment would be written again
    pixels.save(target, "JPEG", quality=QUALITY, subsampling=0)
    return Picture(path=target, width=pixels.width, height=pixels.height, format=kind)


def _require_harmless(file: IO[bytes]) -> None:
    limit = settings.MAX_UPLOAD_BYTES
    file.seek(0)
    data = file.read(limit + 1)
    if not data:
        raise InvalidImage("The picture's file is empty.")
    if len(data) > limit:
        raise InvalidImage(detail=f"The file has more than {limit} bytes.")
    if bomb := bombs.found_in(data):
        raise InvalidImage(detail=f"The file is made to take for ever to decode: {bomb}.")


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise InvalidImage(
            detail=f"The file is none of {', '.join(FORMATS)}, or its start is damaged."
        ) from error
    except TOO_MANY_PIXELS as error:
        raise InvalidImage(TOO_LARGE, detail=str(error)) from error
    except UNREADABLE as error:
        raise InvalidImage(
            "The picture's file is damaged or incomplete.", detail=f"{type(error).__name__}: {error}"[:300]
        ) from error


def _require_still_picture(image: Image.Image) -> str:
    """Return the format of `image` by its header, before its pixels are decoded. Raise InvalidImage."""
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InvalidImage(TOO_LARGE, detail=f"The picture is {width} x {height} pixels.")
    # An MPO is a JPEG with more pictures behind the first, as many phones write it: not an animation.
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise InvalidImage("The picture is animated. Send a still picture.")
    if image.mode == "CMYK":
        raise InvalidImage("The picture is in print colours (CMYK). Save it as RGB and send it again.")
    return kind


def _require_name(name: str, kind: str) -> None:
    suffix = Path(name).suffix.lower()
    if suffix and FORMAT_OF_SUFFIX.get(suffix) != kind:
        raise InvalidImage(f"The file's name ends in {suffix[:10]!r}, but its content is {kind}.")


def _decoded(file: IO[bytes]) -> Image.Image:
    """Return upright RGB pixels in sRGB."""
    pixels, orientation, profile = _flat(file)
    if orientation in UPRIGHT:
        pixels = pixels.transpose(UPRIGHT[orientation])
    return _srgb(pixels, profile) if profile else pixels


def _within(pixels: Image.Image, frame: tuple[int, int]) -> Image.Image:
    """Return a picture that covers the frame and nothing else, or as much of it as there are pixels for."""
    width, height = frame
    share = min(1.0, pixels.width / width, pixels.height / height)
    if pixels.width <= width and pixels.height <= height:
        return pixels
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return ImageOps.fit(pixels, size, Image.Resampling.LANCZOS)


def _flat(file: IO[bytes]) -> tuple[Image.Image, int, bytes]:
    # A function of its own, so that the decoder and its buffers are gone before the next step takes memory.
    with Image.open(file, formats=FORMATS) as image:
        image.load()
        return _rgb(image), _orientation(image), image.info.get("icc_profile") or b""


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except UNREADABLE:  # a photo is not refused for its metadata
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bit grey: Pillow's own conversion would clip it at 255
        image.info.pop("transparency", None)  # a 16 bit value, which 8 bits cannot hold
        return image.point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(image, mask=image)
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return `image` in sRGB, or as it is if the profile is unusable."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB":
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, *UNREADABLE):
        return image
    return converted or image
