"""A user's picture reaches the provider within the frame of the video, whatever size it came in."""

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from jobs import uploads
from tests.remote.cases import CASES

pytestmark = pytest.mark.slow

NAMES = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def photo():
    """A file as large as a phone's: 12 million pixels, as hard to compress as any."""
    drawn = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(drawn, "JPEG", quality=85)
    assert 5_000_000 < len(drawn.getvalue()) < 20_000_000
    return drawn.getvalue()


@pytest.mark.parametrize("case", [NAMES["runway"], NAMES["openai"]], indirect=True, ids=["runway", "openai"])
def test_a_photo_of_a_phone_is_made_as_small_as_the_video(photo, far, finish, submit, stand_in):
    name = uploads.keep(ContentFile(photo, name="sea.jpg"))
    order = {
        "generation_type": "image_to_video",
        "aspect_ratio": "",
        "upload": name,
        "upload_name": "sea.jpg",
    }
    job = finish(submit(**order))
    assert job.status == "completed", job.failure_detail
    [work] = stand_in.works.values()
    assert len(work.image) < 1_500_000
    with Image.open(io.BytesIO(work.image)) as sent:
        assert (sent.format, sent.size) == ("JPEG", (960, 720))
