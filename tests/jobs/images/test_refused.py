"""Every way of not being a still picture of bearable size."""

import io
import random
import struct
import time
import zlib

import pytest

from jobs import images
from tests.jobs.images.pictures import (
    SRGB,
    animated,
    avif_claiming,
    chunk,
    encoded,
    jpeg_claiming,
    noise,
    orientated,
    plain,
    png,
    webp_claiming,
)

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + b"\0" * 200


NOT_PICTURES = {
    "empty": b"",
    "text": b"This is not a picture.\n",
    "zeros": b"\0" * 5000,
    "html": b"<!doctype html><title>Sign in</title>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "elf": b"\x7fELF" + b"\0" * 100,
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "heic": HEIC,
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\0" * 200,
    "gif": encoded(plain("P", colour=1), "GIF"),
    "bmp": encoded(plain(), "BMP"),
    "tiff": encoded(plain(), "TIFF"),
    "ico": encoded(plain(), "ICO"),
    "ppm": encoded(plain(), "PPM"),
    "tga": encoded(plain(), "TGA"),
    "jpeg2000": encoded(plain(), "JPEG2000"),
    "jpeg-start-only": b"\xff\xd8\xff",
    "png-start-only": b"\x89PNG\r\n\x1a\n",
    "webp-start-only": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "avif-start-only": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf",
    "png-without-header": b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND"),
    "png-without-pixels": png(4, 4),
    "png-bad-deflate": png(4, 4).replace(zlib.compress(b"", 1), b"\xff" * 8),
    "png-zero-width": png(0, 4, body=b"\0" * 4),
    "png-zero-height": png(4, 0, body=b"\0" * 4),
    "png-odd-depth": png(4, 4, depth=7, body=b"\0" * 99),
    "png-short-header": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0"),
    "png-huge-chunk": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
    "png-text-bomb": png(
        4, 4, body=b"\0" * 99, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 9_000_000))
    ),
    "png-profile-bomb": png(
        4, 4, body=b"\0" * 99, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 9_000_000))
    ),
    "jpeg-zero-size": jpeg_claiming(0, 0),
    "jpeg-12-bit": encoded(plain(), "JPEG").replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    "jpeg-no-tables": b"\xff\xd8" + encoded(plain(), "JPEG")[encoded(plain(), "JPEG").index(b"\xff\xc0") :],
    "webp-empty-canvas": webp_claiming(64, 48),
}


NOT_SMALL = {
    "png-by-its-header": png(65_000, 65_000),
    "png-largest": png(2**31 - 1, 2**31 - 1),
    "png-just-over": png(10_000, 5_001),
    "png-one-row": png(50_000_001, 1),
    "png-strip": encoded(plain("1", (65_501, 1), 0), "PNG"),
    "jpeg-by-its-header": jpeg_claiming(65_535, 65_535),
    "jpeg-just-over": jpeg_claiming(10_000, 5_001),
    "webp-by-its-header": webp_claiming(16_383, 16_383),
    "webp-largest": webp_claiming(2**24, 2**8),
    "avif-by-its-header": avif_claiming(16_000, 16_000),
}


NOT_STILL = {
    "apng": animated("PNG"),
    "webp": animated("WEBP"),
    "avif": animated("AVIF"),
    "apng-with-a-million-frames": png(
        4, 4, body=b"\0" * 99, extra=chunk(b"acTL", struct.pack(">II", 10**6, 0))
    ),
}


class TestWhatIsRefused:
    @pytest.mark.parametrize("data", NOT_PICTURES.values(), ids=NOT_PICTURES)
    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_what_is_no_picture(self, data, normalise, folder):
        with pytest.raises(images.InvalidImage):
            normalise(data)
        assert not (folder / "target.jpg").exists()

    @pytest.mark.parametrize("data", NOT_SMALL.values(), ids=NOT_SMALL)
    def test_too_many_pixels_by_the_header_alone(self, data, normalise):
        began = time.thread_time()
        with pytest.raises(images.InvalidImage):
            normalise(data)
        assert time.thread_time() - began < 1

    @pytest.mark.parametrize("data", NOT_STILL.values(), ids=NOT_STILL)
    @pytest.mark.filterwarnings("ignore:Invalid APNG:UserWarning")
    def test_what_moves(self, data, normalise):
        with pytest.raises(images.InvalidImage, match=r"animated|damaged"):
            normalise(data)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_what_is_cut_short(self, kind, normalise):
        data = encoded(noise(), kind)
        for share in (0.2, 0.5, 0.9, 0.99):
            with pytest.raises(images.InvalidImage):
                normalise(data[: int(len(data) * share)])

    def test_print_colours(self, normalise):
        with pytest.raises(images.InvalidImage, match="CMYK"):
            normalise(encoded(plain("CMYK", colour=(0, 0, 0, 0)), "JPEG"))

    def test_more_bytes_than_allowed(self, settings, normalise):
        data = encoded(noise(), "PNG")
        settings.MAX_UPLOAD_BYTES = len(data)
        assert normalise(data)
        settings.MAX_UPLOAD_BYTES = len(data) - 1
        with pytest.raises(images.InvalidImage):
            normalise(data)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("photo.png", "JPEG"),
            ("photo.jpg", "PNG"),
            ("photo.jpg", "WEBP"),
            ("photo.webp", "AVIF"),
            ("photo.gif", "PNG"),
            ("photo.svg", "PNG"),
            ("photo.jpg.exe", "JPEG"),
            ("photo.php", "JPEG"),
            ("photo.jpg\x00", "JPEG"),
        ],
    )
    def test_a_name_that_says_another_kind(self, name, kind, normalise):
        with pytest.raises(images.InvalidImage, match="name ends in") as caught:
            normalise(encoded(plain(), kind), name)
        assert caught.value.detail.isprintable()

    def test_each_refusal_has_a_sentence_for_the_user_and_details_for_staff(self, normalise):
        with pytest.raises(images.InvalidImage) as caught:
            normalise(encoded(noise(), "PNG")[:-2000])
        assert caught.value.message == "The picture's file is damaged or incomplete."
        assert "OSError" in caught.value.detail
        assert caught.value.code == "invalid_request"

    def test_a_check_reads_no_pixels(self):
        claims = io.BytesIO(png(7000, 7000))
        assert images.check(claims, name="a.png") == "PNG"
        assert claims.tell() == 0
        with pytest.raises(images.InvalidImage):
            images.check(io.BytesIO(b"text"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "progressive", "MPO", "PNG", "APNG", "WEBP", "AVIF"])
def test_whatever_is_damaged_it_is_a_picture_or_a_clear_refusal(kind, normalise):
    """Any other exception fails this test."""
    options = {"exif": orientated(6), "icc_profile": SRGB}
    data = {
        "JPEG": lambda: encoded(noise(), "JPEG", **options),
        "progressive": lambda: encoded(noise(), "JPEG", progressive=True),
        "MPO": lambda: encoded(noise(), "MPO", save_all=True, append_images=[noise()]),
        "PNG": lambda: encoded(noise("RGBA"), "PNG", **options),
        "APNG": lambda: animated("PNG"),
        "WEBP": lambda: encoded(noise("RGBA"), "WEBP", **options),
        "AVIF": lambda: encoded(noise("RGBA"), "AVIF", **options),
    }[kind]()
    chance = random.Random(kind)
    refusals = []
    for _ in range(150):
        try:
            normalise(damaged(data, chance))
        except images.InvalidImage as refusal:
            refusals.append(refusal.detail)
    assert len(refusals) > 10
    assert all(refusals)
    assert "\0" not in "".join(refusals)  # PostgreSQL could not store it


def damaged(data, chance):
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 3, 10])):
        at = chance.randrange(chance.choice([100, 700, len(data)])) % max(1, len(changed))
        piece = bytes(
            chance.choice([0, 1, 127, 255, chance.randrange(256)]) for _ in range(chance.randrange(1, 8))
        )
        end = at + chance.choice([len(piece), 0, 20, len(data)])
        changed[at:end] = piece
    if changed.startswith(b"\x89PNG\r\n\x1a\n"):
        return with_right_checksums(bytes(changed))  # or damage would never get past them
    return bytes(changed)


def with_right_checksums(data):
    whole, position = [data[:8]], 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        whole.append(chunk(data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return b"".join(whole)
