"""Pictures made by the tests: honest ones, and files that lie."""

import io
import struct
import zlib

import numpy
from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (254, 0, 0), (0, 255, 1), (0, 0, 254), (255, 255, 255)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(mode="RGB", size=(64, 48), colour="red"):
    return Image.new(mode, size, colour)


def noise(mode="RGB", size=(64, 48)):
    shape = (size[1], size[0], 4)
    return Image.fromarray(numpy.random.default_rng(7).integers(0, 256, shape, numpy.uint8)).convert(mode)


def animated(kind):
    return encoded(
        noise("RGBA"), kind, save_all=True, append_images=[noise("RGBA").rotate(180)], duration=100
    )


def orientated(value):
    exif = Image.Exif()
    exif[0x0112] = value
    exif[0x010F] = "Camera of Alice"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}  # where she was
    return exif


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *, depth=8, colour=2, body=b"", extra=b""):
    """A PNG by hand, so that its header may lie."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = zlib.compress(body, 1)
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND")


def jpeg_claiming(width, height):
    data = bytearray(encoded(plain(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_claiming(width, height):
    payload = b"\x00" * 4 + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_claiming(width, height):
    data = bytearray(encoded(plain(), "AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def pixel(picture, x=0.5, y=0.5):
    with Image.open(picture.path) as image:
        return image.getpixel((int(x * image.width), int(y * image.height)))


def close(colour, other, by=6):
    return all(abs(a - b) <= by for a, b in zip(colour, other, strict=True))
