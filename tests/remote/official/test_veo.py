"""Veo's stand-in by the official `google.genai` client.

Its `generate_videos` no longer speaks to the Gemini API, so the submit goes by the client's own converter and
transport; polling, the download and the errors are its public methods.
"""

import json
import re
import time

import pytest
from google import genai
from google.genai import errors, models, types

from tests.remote.stand_ins import works
from tests.remote.stand_ins.veo import VeoStandIn

MODEL = "veo-3.1-generate-preview"


@pytest.fixture
def server():
    with VeoStandIn(takes=0.1) as one:
        yield one


def client_of(server, key):
    return genai.Client(
        api_key=key, http_options=types.HttpOptions(base_url=server.origin, api_version="v1beta")
    )


@pytest.fixture
def client(server):
    with client_of(server, server.key) as one:
        yield one


def create(client, prompt="A quiet sea", *, model=MODEL, image=None, **config):
    source = types.GenerateVideosSource(prompt=prompt, image=image)
    asked = types._GenerateVideosParameters(
        model=model, source=source, config=types.GenerateVideosConfig(**{"duration_seconds": 6, **config})
    )
    body = models._GenerateVideosParameters_to_vertex(client._api_client, asked)
    path = "{model}:predictLongRunning".format_map(body.pop("_url"))
    body.pop("config", None)
    reply = client._api_client.request("post", path, body, None)
    return types.GenerateVideosOperation.from_api_response(json.loads(reply.body))


def ended(client, operation):
    while not operation.done:
        time.sleep(0.02)
        operation = client.operations.get(operation)
    return operation


def test_a_video_is_made_and_downloaded(client):
    operation = ended(client, create(client, aspect_ratio="16:9", resolution="720p"))
    assert operation.error is None
    (made,) = operation.response.generated_videos
    # the client takes an address for one only if it is https
    name = re.search("files/[a-z0-9]+", made.video.uri)[0]
    assert client.files.download(file=name) == works.video(6.0)


def test_an_operation_on_its_way_says_nothing_but_its_name(client, server):
    server.takes = 60.0
    operation = client.operations.get(create(client))
    assert re.fullmatch(f"models/{MODEL}/operations/[a-z0-9]+", operation.name)
    assert (operation.done, operation.error, operation.response) == (None, None, None)


def test_a_picture_is_sent_inline(client, server):
    image = types.Image(image_bytes=b"a picture", mime_type="image/jpeg")
    operation = create(client, image=image)
    assert server.works[operation.name.rpartition("/")[2]].image == b"a picture"


def test_a_failure_is_in_the_operation(client):
    operation = ended(client, create(client, "A quiet sea [fail]"))
    assert (operation.error["code"], operation.response) == (13, None)


def test_what_was_filtered_is_done_without_a_video(client):
    answer = ended(client, create(client, "A quiet sea [flag]")).response
    assert (answer.generated_videos, answer.rai_media_filtered_count) == (None, 1)
    assert answer.rai_media_filtered_reasons


def test_nothing_at_all_is_done_without_a_video(client):
    answer = ended(client, create(client, "A quiet sea [empty]")).response
    assert (answer.generated_videos, answer.rai_media_filtered_count) == (None, None)


@pytest.mark.parametrize(
    ("word", "kind", "code", "status"),
    [
        ("refuse", errors.ClientError, 400, "INVALID_ARGUMENT"),
        ("moderate", errors.ClientError, 400, "INVALID_ARGUMENT"),
        ("busy", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        ("broken", errors.ServerError, 500, "INTERNAL"),
    ],
)
def test_errors_are_those_of_the_client(word, kind, code, status, client):
    with pytest.raises(kind) as caught:
        create(client, f"A quiet sea [{word}]")
    assert (caught.value.code, caught.value.status) == (code, status)
    assert caught.value.message


@pytest.mark.parametrize(
    "changes",
    [{"duration_seconds": 5}, {"aspect_ratio": "1:1"}, {"resolution": "1080p"}, {"enhance_prompt": True}],
)
def test_a_wrong_order_is_refused(changes, client):
    with pytest.raises(errors.ClientError) as caught:
        create(client, **changes)
    assert caught.value.status == "INVALID_ARGUMENT"


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(errors.ClientError) as caught:
        create(client, model="imagen-9")
    assert caught.value.code == 404


def test_a_wrong_key_is_not_let_in(server):
    with client_of(server, "wrong") as client, pytest.raises(errors.ClientError) as caught:
        create(client)
    assert caught.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_the_client_itself_no_longer_submits_to_the_gemini_api(client):
    with pytest.raises(ValueError, match="not in Gemini Developer API mode"):
        client.models.generate_videos(model=MODEL, source=types.GenerateVideosSource(prompt="A quiet sea"))
