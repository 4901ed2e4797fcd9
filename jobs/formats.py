"""What a video may be: durations, resolutions, aspect ratios, and the frame that follows from them."""

from fractions import Fraction

from django.db import models

FRAMES_PER_SECOND = 24


class GenerationType(models.TextChoices):
    """What a job makes its video from."""

    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"


class Duration(models.TextChoices):
    """How long the video is."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class Resolution(models.TextChoices):
    """The short side of the frame."""

    SD = "sd_480p"
    HD = "hd_720p"
    FULL_HD = "hd_1080p"
    UHD = "4k_2160p"


class AspectRatio(models.TextChoices):
    """Width to height."""

    WIDE = "16:9"
    TALL = "9:16"
    SQUARE = "1:1"
    CLASSIC = "4:3"
    CLASSIC_TALL = "3:4"
    CINEMA = "21:9"
    CINEMA_TALL = "9:21"


SECONDS = {Duration.SHORT: 5, Duration.MEDIUM: 10, Duration.LONG: 15}
SHORT_SIDE = {Resolution.SD: 480, Resolution.HD: 720, Resolution.FULL_HD: 1080, Resolution.UHD: 2160}
WIDEST = 21 / 9


def seconds(duration: str) -> int:
    """Return the length of a `Duration` in seconds."""
    return SECONDS[Duration(duration)]


def frame_size(resolution: str, aspect_ratio: str) -> tuple[int, int]:
    """Return (width, height) in pixels: the short side as the resolution says, both sides even."""
    width, height = (int(part) for part in aspect_ratio.split(":"))
    return fit(resolution, width, height)


def fit(resolution: str, width: int, height: int) -> tuple[int, int]:
    """Return the frame for a picture of `width` x `height`: its shape, at most 21:9 either way."""
    short = SHORT_SIDE[Resolution(resolution)]
    ratio = min(max(width / height, 1 / WIDEST), WIDEST)
    if ratio >= 1:
        return _even(short * ratio), short
    return short, _even(short / ratio)


def _even(pixels: float) -> int:
    # yuv420p halves both sides
    return 2 * round(pixels / 2)


def ratio_name(width: int, height: int) -> str:
    """Return the shape of a frame as the nearest named ratio, or its own reduced one, such as `3:2`."""
    for name in AspectRatio.values:
        across, down = (int(part) for part in name.split(":"))
        if abs(width / height - across / down) < 0.01:
            return str(name)
    nearest = Fraction(width, height).limit_denominator(50)
    return f"{nearest.numerator}:{nearest.denominator}"
