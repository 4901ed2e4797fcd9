"""Which pictures are accepted, how they come out, and what is taken away."""

import os
import struct

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from jobs import formats
from tests.jobs.images.pictures import (
    BLUE,
    GREEN,
    RED,
    SRGB,
    WHITE,
    chunk,
    close,
    encoded,
    noise,
    orientated,
    pixel,
    plain,
    png,
)


class TestWhatIsAccepted:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_each_format_becomes_a_plain_rgb_jpeg(self, kind, normalise):
        picture = normalise(encoded(plain(), kind))
        assert (picture.width, picture.height, picture.format) == (64, 48, kind)
        assert close(pixel(picture), RED)
        with Image.open(picture.path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (64, 48))

    @pytest.mark.parametrize(
        ("mode", "colour", "expected"),
        [
            ("1", 1, WHITE),
            ("L", 128, (128, 128, 128)),
            ("P", 0, (0, 0, 0)),
            ("LA", (0, 255), (0, 0, 0)),
            ("LA", (0, 0), WHITE),
            ("RGBA", (0, 0, 254, 255), BLUE),
            ("RGBA", (0, 0, 254, 0), WHITE),
            ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
            ("I;16", 0, (0, 0, 0)),
            ("I;16", 32768, (127, 127, 127)),  # not clipped at 255
            ("I;16", 65535, WHITE),
        ],
    )
    def test_each_mode_of_png_with_transparency_on_white(self, mode, colour, expected, normalise):
        assert close(pixel(normalise(encoded(plain(mode, colour=colour), "PNG"))), expected)

    def test_transparent_colours_of_palettes_rgb_and_grey(self, normalise):
        palette = plain().convert("P")
        transparent = {"transparency": palette.getpixel((0, 0))}
        assert close(pixel(normalise(encoded(palette, "PNG", **transparent))), WHITE)
        assert close(pixel(normalise(encoded(plain("RGB"), "PNG", transparency=(255, 0, 0)))), WHITE)
        assert close(pixel(normalise(encoded(plain("L", colour=9), "PNG", transparency=9))), WHITE)

    def test_16_bits_a_channel(self, normalise):
        for colour, pixels in ((2, b"\xff\xff\x80\x00\x00\x00"), (6, b"\xff\xff\x80\x00\x00\x00\xff\xff")):
            body = (b"\0" + pixels * 4) * 4
            assert close(pixel(normalise(png(4, 4, depth=16, colour=colour, body=body))), (255, 128, 0))

    def test_16_bit_grey_with_a_transparent_value(self, normalise):
        transparent = chunk(b"tRNS", struct.pack(">H", 40_000))
        body = (b"\0" + b"\x80\x00" * 4) * 4
        assert close(
            pixel(normalise(png(4, 4, depth=16, colour=0, body=body, extra=transparent))), (127,) * 3
        )

    def test_transparent_webp_and_avif(self, normalise):
        for kind in ("WEBP", "AVIF"):
            assert close(pixel(normalise(encoded(plain("RGBA", colour=(0, 0, 254, 0)), kind))), WHITE)

    def test_a_progressive_and_a_grey_jpeg(self, normalise):
        assert close(pixel(normalise(encoded(plain(), "JPEG", progressive=True))), RED)
        assert close(pixel(normalise(encoded(plain("L", colour=90), "JPEG"))), (90, 90, 90))

    def test_a_jpeg_with_more_pictures_behind_it_as_phones_write_is_its_first(self, normalise):
        data = encoded(plain(), "MPO", save_all=True, append_images=[plain(colour="blue")])
        picture = normalise(data, "IMG_1.JPG")
        assert picture.format == "JPEG"
        assert close(pixel(picture), RED)

    def test_a_jpeg_with_a_film_behind_it_as_phones_write(self, normalise):
        assert normalise(encoded(plain(), "JPEG") + b"\xff\xda" * 5000 + os.urandom(100_000)).width == 64

    def test_a_single_frame_in_an_animation_format(self, normalise):
        control = chunk(b"acTL", struct.pack(">II", 1, 0))
        frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4, 4, 0, 0, 1, 1, 0, 0))
        assert normalise(png(4, 4, body=(b"\0" + b"\xff" * 12) * 4, extra=control + frame)).width == 4

    def test_one_pixel(self, normalise):
        assert normalise(encoded(plain(size=(1, 1)), "PNG")).height == 1

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("", "PNG"),
            ("photo", "PNG"),
            ("photo.png", "PNG"),
            ("PHOTO.JPG", "JPEG"),
            ("a.b.jpeg", "JPEG"),
            ("a.jfif", "JPEG"),
            (".jpg", "PNG"),  # a hidden file without an ending
            ("a.webp", "WEBP"),
            ("../../a.avif", "AVIF"),
        ],
    )
    def test_a_name_that_fits(self, name, kind, normalise):
        assert normalise(encoded(plain(), kind), name).format == kind


class TestWhatIsTakenAway:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    @pytest.mark.parametrize(
        ("value", "corner"),
        [
            (1, (0, 0)),
            (2, (1, 0)),
            (3, (1, 1)),
            (4, (0, 1)),
            (5, (0, 0)),
            (6, (1, 0)),
            (7, (1, 1)),
            (8, (0, 1)),
        ],
    )
    def test_it_is_turned_upright(self, value, corner, kind, normalise):
        image = plain(size=(64, 32), colour="white")
        image.paste("red", (0, 0, 24, 12))  # marks the corner at the upper left
        picture = normalise(encoded(image, kind, exif=orientated(value)))
        assert (picture.width, picture.height) == ((64, 32) if value < 5 else (32, 64))
        found = [
            (x, y)
            for x in (0, 1)
            for y in (0, 1)
            if close(pixel(picture, 0.1 + 0.8 * x, 0.1 + 0.8 * y), RED, 60)
        ]
        assert found == [corner]

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_nothing_but_the_picture_is_left(self, kind, normalise):
        options = {"exif": orientated(6), "icc_profile": SRGB, "xmp": b"<x>secret</x>"}
        if kind == "JPEG":
            options["comment"] = b"secret"
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("Comment", "secret")
        picture = normalise(encoded(noise(), kind, **options))
        data = picture.path.read_bytes()
        assert not any(
            trace in data for trace in (b"secret", b"Camera of Alice", b"Exif", b"ICC_PROFILE", b"\xff\xfe")
        )
        with Image.open(picture.path) as image:
            assert not {"exif", "icc_profile", "xmp", "comment", "dpi"} & set(image.info)

    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_damaged_metadata_is_no_reason_to_refuse_a_photo(self, normalise):
        exif = orientated(6).tobytes()
        for at in range(6, len(exif)):
            damaged = exif[:at] + bytes([exif[at] ^ 0xFF]) + exif[at + 1 :]
            assert normalise(encoded(plain(), "JPEG", exif=damaged)).format == "JPEG"

    def test_colours_are_brought_into_srgb(self, normalise):
        assert close(pixel(normalise(encoded(plain(), "PNG", icc_profile=swapped_profile()))), GREEN, 40)

    @pytest.mark.parametrize("profile", [b"x", b"", SRGB[:200], SRGB[:128] + os.urandom(400), b"\0" * 4096])
    def test_a_useless_colour_profile_is_dropped(self, profile, normalise):
        assert close(pixel(normalise(encoded(plain(), "JPEG", icc_profile=profile))), RED)

    def test_a_profile_of_other_colours_than_the_picture_is_dropped(self, normalise):
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        assert close(pixel(normalise(encoded(plain(), "PNG", icc_profile=lab))), RED)


def swapped_profile():
    """SRGB with the primaries of red and green exchanged."""
    return SRGB.replace(b"rXYZ", b"tmp1").replace(b"gXYZ", b"rXYZ").replace(b"tmp1", b"gXYZ")


class TestTheSizeForAVideo:
    @pytest.mark.parametrize(
        ("size", "sent"),
        [
            ((2400, 1800), (640, 480)),
            ((1800, 2400), (480, 640)),
            ((640, 480), (640, 480)),
            ((200, 100), (200, 100)),  # nothing is gained by more pixels
            ((641, 480), (640, 480)),
            ((4000, 600), (1120, 480)),  # longer than any frame: its middle
            ((4000, 300), (700, 300)),
            ((3000, 10), (23, 10)),
        ],
    )
    def test_a_picture_has_no_more_pixels_than_the_frame_and_keeps_its_shape(self, size, sent, normalise):
        picture = normalise(encoded(plain(size=size), "PNG"), resolution="sd_480p")
        assert (picture.width, picture.height) == sent
        with Image.open(picture.path) as image:
            assert image.size == sent

    def test_the_frame_that_follows_from_it_is_that_of_the_original(self, normalise):
        for width in range(500, 540):
            picture = normalise(encoded(plain(size=(width, 490)), "PNG"), resolution="sd_480p")
            frame = formats.fit("sd_480p", width, 490)
            assert formats.fit("sd_480p", picture.width, picture.height) == frame

    def test_without_a_resolution_it_keeps_its_size(self, normalise):
        assert normalise(encoded(plain(size=(900, 600)), "PNG")).width == 900
