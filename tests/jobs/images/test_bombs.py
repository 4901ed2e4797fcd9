"""Pictures that are small to send and endless, or huge, to decode."""

import json
import os
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings

from jobs import bombs, images
from tests.jobs.images.pictures import SRGB, chunk, encoded, orientated, plain, png


class TestBombs:
    """Small to send, endless to decode."""

    def test_a_jpeg_of_many_scans(self, normalise):
        data = encoded(plain("L", (2000, 2000)), "JPEG", progressive=True)
        scan = data[data.rindex(b"\xff\xda") : -2]
        refused(normalise, data[:-2] + scan * 100_000 + data[-2:], "scans")

    def test_a_jpeg_of_many_segments(self, normalise):
        data = encoded(plain(), "JPEG")
        refused(normalise, data[:2] + b"\xff\xe5\x00\x02" * 4_000_000 + data[2:], "segments")

    def test_a_png_of_many_chunks(self, normalise):
        data = encoded(plain(), "PNG")
        refused(normalise, data[:33] + chunk(b"tEXt") * 1_500_000 + data[33:], "chunks")

    @pytest.mark.parametrize(
        "padding", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\x00", b"\xff\xd8", b"\xff\xd9", b"\xff\xc8"]
    )
    def test_a_jpeg_of_much_padding(self, padding, normalise):
        data = encoded(plain(), "JPEG")
        refused(normalise, data[:20] + padding * (15_000_000 // len(padding)) + data[20:], "more than")

    @pytest.mark.parametrize("cover", [b"\xff\xc8\xff\xff", b"\xff\xf0\xff\xff", b"\xff\xd9"])
    def test_segments_hidden_behind_another_are_counted(self, cover, normalise):
        data = encoded(plain(), "JPEG")
        refused(normalise, data[:2] + (cover + b"\xff\xe5\x00\x02" * 16_000) * 200 + data[2:], "segments")

    def test_padding_as_the_standard_allows_it(self, normalise):
        data = encoded(plain(), "JPEG")
        assert normalise(data[:2] + b"\xff" * 1000 + data[2:]).width == 64

    def test_what_lies_behind_the_end_is_not_counted(self, normalise):
        assert normalise(encoded(plain(), "PNG") + b"\0" * 1_000_000).width == 64

    @pytest.mark.parametrize(
        "data",
        [
            b"\xff\xd8\xff\xe0\x00\x00" * 9,
            b"\xff\xd8\xff\xe0\xff\xff",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xff",
        ],
    )
    def test_lengths_that_lie_end_the_count(self, data):
        assert bombs.found_in(data) == ""

    @pytest.mark.slow
    def test_the_largest_pictures_fit_in_a_gigabyte_and_a_lease(self, folder):
        """In a process of its own, whose peak is measured: 0.8 GB and 4 s were seen on two cores."""
        width, height = 8192, 6103
        picture = plain("RGBA", (width, height), (255, 0, 0, 128))
        options = {"exif": orientated(6), "icc_profile": SRGB}
        files = {
            "16-bit.png": png(
                width, height, depth=16, colour=6, body=(b"\0" + b"\x7f\x10" * 4 * width) * height
            ),
            "progressive.jpg": encoded(picture.convert("RGB"), "JPEG", progressive=True, **options),
            "transparent.webp": encoded(picture, "WEBP", lossless=True, quality=0, method=0, **options),
            "transparent.avif": encoded(plain("RGBA", (4096, 3051)), "AVIF", speed=10, **options),
        }
        for name, data in files.items():
            (folder / name).write_bytes(data)
            seconds, megabytes = measured(folder / name)
            assert megabytes < 1000, name
            assert seconds < 25, name


def refused(normalise, data, reason):
    began = time.thread_time()
    with pytest.raises(images.InvalidImage) as caught:
        normalise(data)
    assert reason in caught.value.detail
    assert time.thread_time() - began < 2


def measured(path):
    """Return the seconds of work and the megabytes that it takes a fresh process to normalise `path`."""
    script = (
        "import json, pathlib, sys, time\n"
        "from jobs import images\n"
        "path, began = pathlib.Path(sys.argv[1]), time.process_time()\n"
        "images.normalise(path, path.with_suffix('.out'))\n"
        "peak = pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(json.dumps([time.process_time() - began, int(peak) / 1024]))\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(
        command, cwd=django_settings.BASE_DIR, env=environment, capture_output=True, timeout=120, check=True
    )
    return json.loads(done.stdout)
