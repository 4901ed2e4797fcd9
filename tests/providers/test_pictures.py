"""The preview model: image to video."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jobs import formats
from jobs.providers import preview
from jobs.providers.base import ProviderError
from jobs.render import camera, picture, planes
from tests.providers import reading

provider = preview.Preview()


@pytest.fixture
def animate(generation, tmp_path):
    """Return a function that animates a picture and returns its video's frames at the given indexes."""

    def make(image, prompt="", *indexes, resolution="sd_480p", **changes):
        path = tmp_path / "picture.png"
        image.save(path)
        width, height = formats.fit(resolution, *image.size)
        order = generation(prompt, image=path, width=width, height=height, **changes)
        rendered = provider.generate(order, tmp_path, lambda share, step: None)
        return reading.frames(rendered.video, *indexes)

    return make


def with_a_disc(size=(1500, 1000)):
    """Return a blue picture with an orange disc in its middle, a fifth of its height in radius."""
    image = Image.new("RGB", size, (40, 80, 160))
    x, y, radius = size[0] / 2, size[1] / 2, size[1] / 5
    ImageDraw.Draw(image).ellipse([x - radius, y - radius, x + radius, y + radius], fill=(240, 150, 30))
    return image


def disc(frame):
    """Return the disc's middle (right, down), width and height in a frame."""
    found = (frame[..., 0].astype(int) - frame[..., 2]) > 40
    rows, columns = np.nonzero(found.any(axis=1))[0], np.nonzero(found.any(axis=0))[0]
    middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    return *middle, columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1


def test_a_fixed_camera_shows_the_whole_picture_unmoved_and_undistorted(animate):
    first, last = animate(with_a_disc(), "zoom in", 0, -1, camera_fixed=True)
    assert disc(first) == pytest.approx(disc(last), abs=1)
    x, y, width, height = disc(first)
    assert (x, y) == pytest.approx((359.5, 239.5), abs=1)
    assert (width, height) == pytest.approx((192, 192), abs=2)


MOVES = {
    "zoom in": (0, 0, 1),
    "zoom out": (0, 0, -1),
    "pan left": (1, 0, 0),
    "pan right": (-1, 0, 0),
    "tilt up": (0, 1, 0),
    "tilt down": (0, -1, 0),
    "rise": (0, 1, 0),
    "dolly": (0, 0, 1),
    "still": (0, 0, 0),
}


@pytest.mark.parametrize("words", MOVES)
def test_words_choose_the_move(animate, words):
    first, last = (disc(frame) for frame in animate(with_a_disc(), words, 0, -1))
    right, down, growth = last[0] - first[0], last[1] - first[1], last[2] - first[2]

    def sign(value, least):
        return int(np.sign(value)) if abs(value) > least else 0

    assert (sign(right, 10), sign(down, 10), sign(growth, 10)) == MOVES[words]


def test_an_orbit_moves_near_and_far_parts_by_different_ways(tmp_path):
    image = Image.new("RGB", (960, 640), (40, 80, 160))
    pen = ImageDraw.Draw(image)
    for top in (20, 440):  # far: at the top; near: low, in the middle
        pen.ellipse([400, top, 560, top + 160], fill=(240, 150, 30))
    image.save(tmp_path / "two.png")
    moving = picture.MovingPicture(tmp_path / "two.png", move=camera.MOVES["orbit"], size=(960, 640))
    ways = []
    for rows in (slice(0, 320), slice(320, 640)):
        first, last = (
            disc(np.asarray(planes.to_image(moving.frame(share=share, seconds=0)))[rows]) for share in (0, 1)
        )
        ways.append(last[0] - first[0])
    assert abs(ways[0] - ways[1]) > 8


@pytest.mark.parametrize("words", ["orbit", "pan right", "zoom in", "rise", "dolly"])
def test_a_circle_stays_a_circle_in_every_move(animate, words):
    for frame in animate(with_a_disc(), words, 0, 12, -1):
        _, _, width, height = disc(frame)
        assert width / height == pytest.approx(1, abs=0.05)


def test_no_move_looks_past_the_pictures_edge(tmp_path):
    image = Image.new("RGB", (640, 480), (200, 200, 200))
    image.save(tmp_path / "plain.png")
    for move in camera.MOVES.values():
        moving = picture.MovingPicture(tmp_path / "plain.png", move=move, size=(640, 480))
        for share in (0.0, 0.5, 1.0):
            assert moving.frame(share=share, seconds=0).y.getextrema()[0] > 150


def test_colours_come_back_as_they_were(animate):
    colours = [(200, 40, 40), (40, 160, 60), (50, 70, 200), (128, 128, 128)]
    image = Image.new("RGB", (640, 640))
    for index, colour in enumerate(colours):
        image.paste(colour, (0, 160 * index, 640, 160 * index + 160))
    [frame] = animate(image, "", -1, camera_fixed=True)
    for index, colour in enumerate(colours):
        assert frame[120 * index + 60, 20].tolist() == pytest.approx(colour, abs=14)


def test_a_single_pixel_is_a_picture_too(animate):
    [frame] = animate(Image.new("RGB", (1, 1), (200, 30, 30)), "zoom in", 5)
    assert frame.shape[:2] == (480, 480)
    assert frame[240, 20, 0] > 150


@pytest.mark.parametrize("size", [(4000, 40), (40, 4000), (3, 2), (1, 50)])
def test_strange_shapes_are_cut_in_the_middle(animate, size):
    image = Image.new("RGB", size, (40, 80, 160))
    middle = (size[0] * 0.45, size[1] * 0.45, size[0] * 0.55, size[1] * 0.55)
    image.paste((240, 150, 30), tuple(round(edge) for edge in middle))
    [frame] = animate(image, "", 0, camera_fixed=True)
    height, width = frame.shape[:2]
    assert (width, height) == formats.fit("sd_480p", *size)


@pytest.mark.slow
def test_fifty_megapixels_are_taken(animate):
    [frame] = animate(with_a_disc((9000, 5500)), "pan right", 0)
    assert disc(frame)[2] > 100


def test_the_mark_is_on_it_and_no_caption(animate):
    [frame] = animate(Image.new("RGB", (854, 480), (255, 255, 255)), "hello there", -1, camera_fixed=True)
    light = frame.mean(axis=2)
    assert light[20:45, 600:835].min() < 200  # the mark's ground
    assert light[200:].min() > 225


def test_weather_words_fall_over_the_picture(animate):
    dark = Image.new("RGB", (854, 480), (20, 20, 40))
    [plain], [snowy] = animate(dark, "still", 12), animate(dark, "still, snow", 12)
    assert (snowy[60:].mean(axis=2) > 150).sum() > 200 > (plain[60:].mean(axis=2) > 150).sum()


def test_a_file_that_is_no_picture_fails_as_such(generation, tmp_path):
    (tmp_path / "picture.png").write_bytes(b"not a picture")
    with pytest.raises(ProviderError) as raised:
        provider.generate(generation(image=tmp_path / "picture.png"), tmp_path, lambda share, step: None)
    assert raised.value.code == "invalid_image"
