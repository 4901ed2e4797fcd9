"""The preview model: text to video."""

import colorsys
import contextlib
import os
import resource
import subprocess
import sys
import threading
import uuid
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageStat

from jobs import formats
from jobs.formats import AspectRatio, Resolution
from jobs.providers import preview
from tests.providers import reading

ROOT = Path(__file__).resolve().parents[2]
provider = preview.Preview()


def render(generation, folder, *args, progress=lambda share, step: None, **changes):
    folder.mkdir(exist_ok=True)
    return provider.generate(generation(*args, **changes), folder, progress)


def bytes_of(generation, folder, *args, **changes):
    rendered = render(generation, folder, *args, **changes)
    return rendered.video.read_bytes(), rendered.poster.read_bytes()


def open_files(folder):
    """What this process has open in a folder, or on the disk that is always full."""
    held = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile, by whomever
            held.append(os.readlink(entry))
    return [name for name in held if name.startswith((str(folder), "/dev/full"))]


def test_it_writes_exactly_the_video_that_was_asked_for(generation, tmp_path):
    rendered = render(generation, tmp_path, duration_seconds=5)
    assert reading.facts(rendered.video) == reading.Facts(
        codec="h264",
        pixels="yuv420p",
        size=(854, 480),
        rate=Fraction(24),
        frames=120,
        seconds=Fraction(5),
        constant_rate=True,
        index_first=True,
    )
    assert (rendered.width, rendered.height, rendered.duration_seconds) == (854, 480, 5.0)


@pytest.mark.parametrize("ratio", AspectRatio.values)
def test_it_fills_every_shape(generation, tmp_path, ratio):
    width, height = formats.frame_size(Resolution.SD, ratio)
    rendered = render(generation, tmp_path, width=width, height=height)
    assert reading.facts(rendered.video).size == (width, height)
    with Image.open(rendered.poster) as poster:
        assert abs(poster.width / poster.height - width / height) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resolution", "ratio", "seconds"),
    [("hd_720p", "1:1", 10), ("hd_1080p", "9:16", 1), ("4k_2160p", "21:9", 1), ("sd_480p", "3:4", 15)],
)
def test_it_makes_the_large_and_the_long(generation, tmp_path, resolution, ratio, seconds):
    width, height = formats.frame_size(resolution, ratio)
    rendered = render(generation, tmp_path, width=width, height=height, duration_seconds=seconds)
    facts = reading.facts(rendered.video)
    assert (facts.size, facts.frames, facts.seconds) == ((width, height), 24 * seconds, seconds)
    assert facts.index_first


def test_the_poster_shows_something(generation, tmp_path):
    rendered = render(generation, tmp_path, "midnight in space")
    with Image.open(rendered.poster) as poster:
        assert poster.format == "JPEG"
        light = ImageStat.Stat(poster.convert("L"))
    assert light.mean[0] > 20
    assert light.stddev[0] > 12


def test_the_same_request_and_seed_give_the_same_bytes(generation, tmp_path):
    first = bytes_of(generation, tmp_path / "one", "ocean at sunset", attempt=1, job_id=uuid.uuid4())
    again = bytes_of(generation, tmp_path / "two", "ocean at sunset", attempt=2, job_id=uuid.uuid4())
    assert first == again


CHILD = """
import resource, sys
from pathlib import Path
from django.conf import settings
settings.configure(ENCODER_THREADS=int(sys.argv[3]))
from jobs.providers import base, preview
generation = base.Generation(
    job_id=None, attempt=1, generation_type="text_to_video", prompt="A ship on the ocean at sunset",
    width=854, height=480, frames_per_second=24, duration_seconds=int(sys.argv[2]), seed=7,
    camera_fixed=False,
)
preview.Preview().generate(generation, Path(sys.argv[1]), lambda share, step: None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(folder, seconds, threads):
    command = [sys.executable, "-c", CHILD, str(folder), str(seconds), str(threads)]
    environment = {**os.environ, "PYTHONHASHSEED": str(seconds)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=environment)
    return int(run.stdout)


def test_another_process_makes_the_same_bytes(generation, tmp_path, settings):
    here = bytes_of(generation, tmp_path / "here", duration_seconds=1)
    (tmp_path / "there").mkdir()
    peak_kilobytes(tmp_path / "there", 1, settings.ENCODER_THREADS)
    there = tmp_path / "there"
    assert here == ((there / "video.mp4").read_bytes(), (there / "poster.jpg").read_bytes())


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path):
    short, long = (peak_kilobytes(tmp_path, seconds, 2) for seconds in (3, 15))
    assert long - short < 16 * 1024


def test_another_seed_gives_another_arrangement(generation, tmp_path):
    one, other = (render(generation, tmp_path / str(seed), seed=seed) for seed in (1, 2))
    [first], [second] = (reading.frames(rendered.video, 12) for rendered in (one, other))
    assert np.abs(first.astype(int) - second).mean() > 4


def test_words_give_the_video_its_colours(generation, tmp_path):
    def hue(prompt):
        rendered = render(generation, tmp_path / "hues", prompt, camera_fixed=True)
        red, green, blue = reading.frames(rendered.video, 0)[0][:400].reshape(-1, 3).mean(axis=0) / 255
        return 360 * colorsys.rgb_to_hsv(red, green, blue)[0]

    assert 180 < hue("mountains by day") < 230  # blue
    assert hue("volcano") < 40  # red
    assert 100 < hue("a forest") < 190  # green
    assert 260 < hue("neon city") < 340  # purple


def moved(first, last):
    """Return by how many pixels a picture moved (right, down), by phase correlation."""
    first, last = (frame[60:380, 40:600].mean(axis=2) for frame in (first, last))
    window = np.hanning(first.shape[0])[:, None] * np.hanning(first.shape[1])[None, :]
    spectra = [np.fft.fft2((frame - frame.mean()) * window) for frame in (first, last)]
    product = spectra[1] * spectra[0].conj()
    peak = np.fft.ifft2(product / np.maximum(np.abs(product), 1e-9)).real
    down, right = np.unravel_index(peak.argmax(), peak.shape)
    height, width = peak.shape
    return (right + width // 2) % width - width // 2, (down + height // 2) % height - height // 2


@pytest.mark.parametrize(
    ("words", "right", "down"),
    [("pan right", -1, 0), ("pan left", 1, 0), ("tilt up", 0, 1), ("tilt down", 0, -1)],
)
def test_words_move_the_camera(generation, tmp_path, words, right, down):
    rendered = render(generation, tmp_path, f"city skyline at day, {words}")
    first, middle = reading.frames(rendered.video, 6, 14)
    x, y = moved(first, middle)
    assert (np.sign(x) if abs(x) > 8 else 0, np.sign(y) if abs(y) > 8 else 0) == (right, down)


def test_a_fixed_camera_stands_still_whatever_the_prompt_says(generation, tmp_path):
    rendered = render(generation, tmp_path, "city skyline at day, pan right", camera_fixed=True)
    first, last = reading.frames(rendered.video, 0, -1)
    assert moved(first, last) == (0, 0)


def test_progress_only_grows_and_ends_at_one(generation, tmp_path):
    shares = []
    render(generation, tmp_path, progress=lambda share, step: shares.append((share, step)))
    numbers = [share for share, _ in shares]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (0.0, 1.0)
    assert len(numbers) > 24
    assert all(step for _, step in shares)


class StoppedError(Exception):
    pass


def test_stopping_half_way_leaves_nothing_behind(generation, tmp_path):
    def stop(share, step):
        if share > 0.5:
            raise StoppedError

    threads = set(threading.enumerate())
    with pytest.raises(StoppedError):
        render(generation, tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert open_files(tmp_path) == []
    assert set(threading.enumerate()) <= threads


def test_a_full_disk_is_told_and_leaves_nothing_open(generation, tmp_path):
    (tmp_path / "video.mp4").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        render(generation, tmp_path)
    assert open_files(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_grow_no_further_is_told(generation, tmp_path):
    # the disk fills up in the middle, not at the first byte
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (48 * 1024, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            render(generation, tmp_path, duration_seconds=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_the_portrait_is_a_round_inset(generation, tmp_path):
    Image.new("RGB", (90, 140), (10, 220, 30)).save(tmp_path / "face.png")
    rendered = render(generation, tmp_path, "night", portrait=tmp_path / "face.png")
    [frame] = reading.frames(rendered.video, 12)
    inside, corner = frame[78, 78].astype(int), frame[24, 24].astype(int)
    assert inside[1] - inside[0] > 120
    assert corner[1] - corner[0] < 60
