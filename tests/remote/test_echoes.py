"""Answers that tell the pictures that were sent again: read past them, whatever their size."""

import base64
import io
import json
import os

import numpy as np
import pytest
from django.core.files.base import ContentFile
from PIL import Image

from jobs import echoes, uploads
from jobs.models import RemoteState
from tests.remote.cases import CASES
from tests.remote.watching import states

BODY = {
    "text": 'said "so" and \\ more: \u00fc\u20ac',
    "picture": "x" * (echoes.LONGEST_TEXT + 1),
    "kept": "y" * (echoes.LONGEST_TEXT),
    "escaped": '"\\' * echoes.LONGEST_TEXT,
    "list": ["", "a", {"z" * 2 * echoes.LONGEST_TEXT: 7, "last": None}],
}
ABRIDGED = {**BODY, "picture": "", "escaped": "", "list": ["", "a", {"": 7, "last": None}]}
REPLICATE = [case for case in CASES if case.name == "replicate"]
PICTURE = 6 * 1024 * 1024  # bytes; more than a whole answer may have


@pytest.mark.parametrize("size", [1, 7, 4096, 10**9])
def test_texts_that_are_too_long_are_left_out_however_they_come(size):
    sent, content = json.dumps(BODY).encode(), bytearray()
    most = len(json.dumps(ABRIDGED)) + max(size, 2 * echoes.LONGEST_TEXT)
    abridged = echoes.Abridged(content)
    for start in range(0, len(sent), size):
        abridged.add(sent[start : start + size])
        assert len(content) <= most
    assert json.loads(content) == ABRIDGED


def test_what_is_not_complete_is_no_json():
    content = bytearray()
    echoes.Abridged(content).add(b'{"picture": "' + b"x" * 10**6)
    assert bytes(content) == b'{"picture": "'


@pytest.fixture
def noise():
    """A JPEG of twelve million points that nothing can make small."""
    picture = Image.fromarray(np.frombuffer(os.urandom(4000 * 3000 * 3), np.uint8).reshape(3000, 4000, 3))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=80)
    return target.getvalue()


@pytest.fixture
def echoing(stand_in):
    """Have the stand-in tell a large picture with every work."""
    there, picture = stand_in.shown, f"data:image/jpeg;base64,{base64.b64encode(bytes(PICTURE)).decode()}"

    def shown(work):
        body = there(work)
        return {**body, "input": {"image": picture, **body["input"]}}

    stand_in.shown = shown


@pytest.mark.slow
@pytest.mark.parametrize("case", REPLICATE, indirect=True, ids=["replicate"])
def test_a_large_picture_that_is_told_again_is_animated(finish, submit, stand_in, noise):
    upload = uploads.keep(ContentFile(noise, "noise.jpg"))
    job = finish(submit(generation_type="image_to_video", upload=upload))
    assert (job.status, states(job)) == ("completed", [RemoteState.MADE])


@pytest.mark.slow
@pytest.mark.parametrize("case", REPLICATE, indirect=True, ids=["replicate"])
@pytest.mark.parametrize("page", [100, 3])
def test_a_lost_submit_is_found_among_many_large_pictures(page, echoing, finish, submit, stand_in):
    stand_in.page = page
    fields = {"input": {"prompt": "Another's"}, "deadline": None}
    take = stand_in.take

    def among_others(asked, **about):
        mine = take(asked, **about)
        for _ in range(6):
            take(asked, **{**about, "prompt": "Another's", "fields": fields})
        return mine

    stand_in.take = among_others
    job = finish(submit("A quiet sea [lost]"))
    assert (job.status, stand_in.submits_of(job.prompt)) == ("completed", 1)
