"""Luma's stand-in by the official `lumaai` client."""

import time
import urllib.request

import lumaai
import pytest

from tests.remote.stand_ins import works
from tests.remote.stand_ins.luma import LumaStandIn

ORDER = {"model": "ray-2", "aspect_ratio": "16:9", "duration": "5s", "resolution": "720p"}


@pytest.fixture
def server():
    with LumaStandIn(takes=0.1) as one:
        yield one


@pytest.fixture
def client(server):
    with lumaai.LumaAI(auth_token=server.key, base_url=server.base_url, max_retries=0) as one:
        yield one


def create(client, prompt="A quiet sea", **fields):
    return client.generations.video.create(prompt=prompt, **{**ORDER, **fields})


def ended(client, generation):
    while generation.state not in {"completed", "failed"}:
        time.sleep(0.02)
        generation = client.generations.get(generation.id)
    return generation


def test_a_video_is_made_and_fetched(client):
    generation = ended(client, create(client))
    assert (generation.state, generation.failure_reason) == ("completed", None)
    assert generation.created_at.tzinfo is not None
    with urllib.request.urlopen(generation.assets.video) as file:
        assert file.read() == works.video(5.0)


def test_what_was_asked_is_told_again(client):
    generation = create(client, callback_url="https://videos.example.org/heard/1", loop=False)
    assert generation.request.callback_url == "https://videos.example.org/heard/1"
    assert (generation.request.prompt, generation.request.duration) == ("A quiet sea", "5s")


@pytest.mark.parametrize(("age", "state"), [(0.0, "queued"), (0.5, "dreaming")])
def test_a_generation_on_its_way(age, state, client, server):
    server.takes = 60.0
    generation = create(client)
    server.works[generation.id].since -= age * 60
    found = client.generations.get(generation.id)
    assert (found.state, found.assets) == (state, None)


@pytest.mark.parametrize(
    ("word", "reason"), [("fail", "Job failed"), ("flag", "Advanced prompt moderation failed")]
)
def test_a_failure_has_a_reason(word, reason, client):
    generation = ended(client, create(client, f"A quiet sea [{word}]"))
    assert (generation.state, generation.failure_reason) == ("failed", reason)


def test_the_list_begins_with_the_newest(client):
    ids = [create(client, f"A sea {number}").id for number in range(3)]
    page = client.generations.list(limit=2, offset=0)
    assert [one.id for one in page.generations] == ids[:0:-1]
    assert (page.has_more, page.count, page.limit, page.offset) == (True, 2, 2, 0)


def test_a_generation_is_deleted(client):
    generation = create(client)
    client.generations.delete(generation.id)
    with pytest.raises(lumaai.NotFoundError):
        client.generations.get(generation.id)


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("refuse", lumaai.BadRequestError),
        ("busy", lumaai.RateLimitError),
        ("broken", lumaai.InternalServerError),
        ("lost", lumaai.APIConnectionError),
    ],
)
def test_errors_are_those_of_the_client(word, error, client):
    with pytest.raises(error):
        create(client, f"A quiet sea [{word}]")


@pytest.mark.parametrize(
    "changes", [{"model": "ray-9"}, {"prompt": "A"}, {"aspect_ratio": "5:4"}, {"duration": "5"}]
)
def test_a_wrong_order_is_refused(changes, client):
    with pytest.raises(lumaai.BadRequestError) as caught:
        create(client, **changes)
    assert caught.value.body["detail"]


def test_a_wrong_key_is_not_let_in(server):
    with (
        lumaai.LumaAI(auth_token="wrong", base_url=server.base_url, max_retries=0) as client,
        pytest.raises(lumaai.AuthenticationError),
    ):
        create(client)
