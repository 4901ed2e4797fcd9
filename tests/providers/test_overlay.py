"""Caption, mark and poster."""

import numpy as np
import pytest

from jobs import formats
from jobs.formats import AspectRatio, Resolution
from jobs.render import lettering, overlay, planes, poster

LONG = (
    "An astronaut rides a horse across the frozen plains of Europa while Jupiter rises behind the ridges " * 4
)
PROMPTS = [
    "Hi",
    LONG,
    "W" * 900,
    "صحراء عند الغروب مع جمال كثيرة",
    "море на закате",
    "a\u202ebackwards\u0000 \n\n two   lines",
]


@pytest.mark.parametrize("ratio", AspectRatio.values)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_caption_stays_inside_the_safe_part_of_the_frame(ratio, prompt):
    for resolution in (Resolution.SD, Resolution.UHD):
        size = formats.frame_size(resolution, ratio)
        left, top, right, bottom = overlay.caption(prompt, size).box
        safe = overlay.SAFE * min(size) - 2
        assert min(left, size[0] - right, size[1] - bottom) >= safe
        assert top > size[1] * 0.6
        assert abs((left + right) / 2 - size[0] / 2) <= 2


@pytest.mark.parametrize("ratio", AspectRatio.values)
def test_the_mark_stays_inside_the_frame_and_clear_of_the_portrait(ratio):
    size = formats.frame_size(Resolution.SD, ratio)
    left, top, right, bottom = overlay.mark(size).box
    assert left > size[0] * 0.3
    assert min(top, size[0] - right) >= overlay.SAFE * min(size) - 2
    assert bottom < size[1] * 0.15


def test_letters_stay_inside_their_panel():
    for prompt in PROMPTS:
        caption = overlay.caption(prompt, (480, 1120))
        ink = np.asarray(caption.picture.y) > 100
        assert ink.any()
        assert not ink[:2].any()
        assert not ink[-2:].any()
        assert not ink[:, :4].any()
        assert not ink[:, -4:].any()


@pytest.mark.parametrize("ground", [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.9, 0.3)])
def test_the_caption_can_be_read_on_any_ground(ground):
    picture = planes.plain((854, 480), ground)
    caption = overlay.caption("readable", (854, 480))
    caption.draw(picture, 5.0)
    light = np.asarray(picture.y.crop(caption.box), float)
    assert light.max() > 230
    assert np.median(light) < 110


def test_the_caption_fades_in():
    dark = []
    for seconds in (0.0, 0.5, 2.0):
        picture = planes.plain((854, 480), (1.0, 1.0, 1.0))
        overlay.caption("soon", (854, 480)).draw(picture, seconds)
        dark.append((np.asarray(picture.y) < 200).sum())
    assert dark[0] == 0 < dark[2]
    assert dark[0] <= dark[1] <= dark[2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("  two\n lines\t ", "two lines"),
        ("neon 雨の city", "neon … city"),
        ("rocket \U0001fa77 go", "rocket go"),
        ("雨の街の夜", ""),
        ("", ""),
        ("\x00\u200b\u202e\ud800", ""),
        ("Caf\u0065\u0301", "Café"),
    ],
)
def test_only_characters_that_the_font_has_are_shown(text, shown):
    assert lettering.printable(text) == shown


@pytest.mark.parametrize("prompt", ["", "   ", "雨の街の夜", "\U0001fa77\U0001fae0"])
def test_there_is_no_caption_when_nothing_can_be_shown(prompt):
    assert overlay.caption(prompt, (854, 480)) is None


def test_long_text_is_shortened_with_an_ellipsis():
    font = lettering.font(20)
    lines = lettering.shortened(lettering.wrap(LONG, font, 300), 3, font, 300)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(font.getlength(line) <= 300 for line in lines)


def test_the_poster_is_the_best_of_the_frames_not_the_first(tmp_path):
    chosen = poster.Poster(100)
    stripes = np.zeros((120, 160, 3), np.float32)
    stripes[:, ::8] = (1.0, 0.6, 0.2)
    for index in range(100):
        plain = planes.plain((160, 120), (0.0, 0.0, 0.0))
        chosen.look(index, planes.from_floats(stripes) if 50 < index < 60 else plain)
    chosen.save(tmp_path / "poster.jpg")
    with poster.Image.open(tmp_path / "poster.jpg") as image:
        assert image.convert("L").getextrema()[1] > 100


def test_the_font_and_its_licence_are_shipped():
    assert lettering.FONT.exists()
    assert "Bitstream Vera" in (lettering.FONT.parent / "LICENSE-DejaVu.txt").read_text()
