"""The preview model: text to video."""

from fractions import Fraction

from PIL import Image

from jobs.providers import preview
from tests.providers import reading

provider = preview.Preview()


def test_it_writes_exactly_the_video_that_was_asked_for(generation, quiet, tmp_path):
    rendered = provider.generate(generation(duration_seconds=5), tmp_path, quiet)
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
    with Image.open(rendered.poster) as poster:
        assert poster.format == "JPEG"


def test_the_same_seed_gives_the_same_bytes(generation, quiet, tmp_path):
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        rendered = provider.generate(generation(), folder, quiet)
        made.append((rendered.video.read_bytes(), rendered.poster.read_bytes()))
    assert made[0] == made[1]
