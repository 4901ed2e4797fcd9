"""The `/v1/videos` stand-in by the official `openai` client."""

import openai
import pytest

from tests.remote.stand_ins import works
from tests.remote.stand_ins.openai_videos import OpenAIStandIn

# The client warns that OpenAI's own server is gone; the shape is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@pytest.fixture
def server():
    with OpenAIStandIn(takes=0.1) as one:
        yield one


@pytest.fixture
def client(server):
    with openai.OpenAI(api_key=server.key, base_url=server.base_url, max_retries=0) as one:
        yield one


def made(client, prompt="A quiet sea", **fields):
    return client.videos.create_and_poll(prompt=prompt, poll_interval_ms=20, **fields)


def test_a_video_is_made_and_downloaded(client, server):
    video = made(client, model="sora-2", seconds="4", size="1280x720")
    assert (video.status, video.progress, video.object) == ("completed", 100, "video")
    assert (video.model, video.seconds, video.size) == ("sora-2", "4", "1280x720")
    assert video.completed_at >= video.created_at > 1_700_000_000
    assert client.videos.download_content(video.id).read() == works.video(4.0)


def test_a_job_is_queued_at_first(client, server):
    server.takes = 60
    video = client.videos.create(prompt="A quiet sea")
    assert (video.status, video.error) == ("queued", None)
    assert client.videos.retrieve(video.id).status == "queued"
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content(video.id)


def test_a_picture_is_sent_as_a_file(client, server):
    video = client.videos.create(prompt="A quiet sea", input_reference=("a.jpg", b"a picture", "image/jpeg"))
    assert server.works[video.id].image == b"a picture"


@pytest.mark.parametrize(
    ("word", "code"), [("fail", "video_generation_failed"), ("flag", "moderation_blocked")]
)
def test_a_failure_has_a_code_and_a_message(word, code, client):
    video = made(client, f"A quiet sea [{word}]")
    assert video.status == "failed"
    assert video.error.code == code
    assert video.error.message


def test_the_list_is_in_pages(client):
    ids = [client.videos.create(prompt=f"A sea {number}").id for number in range(3)]
    page = client.videos.list(limit=2)
    assert [video.id for video in page.data] == ids[:0:-1]
    assert page.has_more
    assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id for video in client.videos.list(order="asc")] == ids


def test_a_video_is_deleted(client):
    video = made(client)
    gone = client.videos.delete(video.id)
    assert (gone.id, gone.deleted, gone.object) == (video.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


@pytest.mark.parametrize(
    ("word", "error", "code"),
    [
        ("refuse", openai.BadRequestError, "invalid_value"),
        ("moderate", openai.BadRequestError, "moderation_blocked"),
        ("busy", openai.RateLimitError, "rate_limit_exceeded"),
        ("broken", openai.InternalServerError, "server_error"),
    ],
)
def test_errors_are_those_of_the_client(word, error, code, client):
    with pytest.raises(error) as caught:
        client.videos.create(prompt=f"A quiet sea [{word}]")
    assert caught.value.code == code


def test_a_lost_reply_is_a_connection_error(client, server):
    with pytest.raises(openai.APIConnectionError):
        client.videos.create(prompt="A quiet sea [lost]")
    assert server.submits_of("A quiet sea [lost]") == 1


def test_a_client_left_to_itself_pays_twice(server):
    """Why the adapters speak raw HTTP: the client repeats a submit whose answer was an error."""
    with (
        openai.OpenAI(api_key=server.key, base_url=server.base_url, max_retries=1) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.videos.create(prompt="A quiet sea [broken]")
    assert server.submits_of("A quiet sea [broken]") == 2


def test_a_wrong_key_is_not_let_in(server):
    with (
        openai.OpenAI(api_key="wrong", base_url=server.base_url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.videos.create(prompt="A quiet sea")
