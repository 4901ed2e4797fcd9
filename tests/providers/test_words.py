"""Reading prompts: which words choose what, and that the page about it tells the truth."""

from pathlib import Path

import pytest

from jobs.render import camera, palettes, scene, weather, words

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "preview.md").read_text()


@pytest.mark.parametrize(
    ("prompt", "palette", "motif", "weather", "camera"),
    [
        ("A ship on the ocean at sunset, zooming in", "sunset", "ocean", None, "zoom in"),
        ("Snowy mountains at NIGHT, tilting up", "night", "mountains", "snow", "tilt up"),
        ("Panning left over neon Tokyo in the rain", "neon", "city", "rain", "pan left"),
        ("a magic forest, the camera rises", "aurora", "forest", "fireflies", "rise"),
        ("orbiting a planet", "space", "space", None, "orbit"),
        ("waves, then a forest", "ocean", "ocean", None, None),
    ],
)
def test_words_choose(prompt, palette, motif, weather, camera):
    reading = words.read(prompt)
    assert (reading.palette, reading.motif, reading.weather) == (palette, motif, weather)
    assert camera in (None, reading.camera)


@pytest.mark.parametrize(
    "prompt", ["a postcard", "the scar", "seaside card", "companion", "starting", "brain"]
)
def test_parts_of_other_words_do_not_count(prompt):
    tables = (words.LOOKS, words.TIMES, words.MATTERS, words.PLACES, words.MOODS, words.WEATHER)
    assert [words.named(table, prompt) for table in tables] == [None] * 6
    assert words.move(prompt) is None


def test_what_no_word_decides_stays_the_same_for_the_same_prompt():
    assert words.read("A cat  playing the piano") == words.read("a cat playing the piano")
    assert words.read("A cat playing the piano") == words.Reading(
        palette="sunset", motif="mountains", weather=None, camera="dolly"
    )
    several = {words.read(f"a cat, number {number}") for number in range(30)}
    assert len(several) > 15


@pytest.mark.parametrize("prompt", ["", " ", "\x00", "雨の街", "🚀", "\ud83d", "x" * 5000, "[fail]"])
def test_any_prompt_can_be_read(prompt):
    reading = words.read(prompt)
    assert reading.palette in palettes.PALETTES
    assert reading.motif in scene.MOTIFS


def test_every_name_in_the_tables_can_be_drawn():
    named = {*words.LOOKS, *words.TIMES, *words.MATTERS, *words.USUAL_PALETTE.values()}
    assert named == set(palettes.PALETTES)
    assert {*words.PLACES, *words.MOODS} == set(scene.MOTIFS) == set(words.USUAL_PALETTE)
    assert {*words.WEATHER, "motes"} == set(weather.KINDS)
    assert set(words.CAMERA) == set(camera.MOVES)


def rows(first):
    """Return the cells of the documentation's tables whose first row head is `first`."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            next(lines)
            break
    found = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = cells
    return found


def listed(table):
    return {name: [", ".join(phrases)] for name, phrases in table.items()}


def test_the_documentation_lists_exactly_these_words():
    assert rows("palette") == listed({**words.LOOKS, **words.TIMES, **words.MATTERS})
    assert rows("weather") == listed(words.WEATHER)
    assert rows("camera") == listed(words.CAMERA)
    assert rows("motif") == {
        name: [", ".join(phrases), words.USUAL_PALETTE[name]]
        for name, phrases in {**words.PLACES, **words.MOODS}.items()
    }
    for quiet in (words.QUIET_MOTIFS, words.QUIET_PALETTES, words.QUIET_MOVES):
        assert ", ".join(quiet) in PAGE


@pytest.mark.parametrize("motif", scene.MOTIFS)
@pytest.mark.parametrize("size", [(160, 90), (90, 210), (210, 90), (96, 96)])
def test_every_motif_can_be_drawn_in_every_shape_and_move(motif, size):
    for name, move in camera.MOVES.items():
        reading = words.Reading(palette="dusk", motif=motif, weather="snow", camera=name)
        if name != "orbit":
            move = camera.Move(move.end, move.end, move.far, move.near)
        drawn = scene.Scene(reading, seed=5, size=size, move=move)
        for share, seconds in ((0.0, 0.0), (1.0, 15.0)):
            picture = drawn.frame(share=share, seconds=seconds)
            assert picture.size == size
            # black is what shows where nothing was drawn
            assert picture.y.resize((8, 8)).getextrema()[0] > 16


@pytest.mark.parametrize("move", camera.MOVES)
def test_no_move_looks_farther_than_the_margin(move):
    for depth in (0.0, 0.5, 1.2):
        for share in (0.0, 0.5, 1.0):
            left, top, right, bottom = camera.seen(camera.MOVES[move].at(share, depth), (1000, 1000))
            assert min(left, top) >= -1000 * camera.MARGIN
            assert max(right, bottom) <= 1000 * (1 + camera.MARGIN)
