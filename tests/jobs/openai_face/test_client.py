"""The official `openai` client against an installation of ours: only `base_url` and `api_key` are changed."""

import asyncio
import io
import json
import time
import uuid

import httpx2
import openai
import pytest
from PIL import Image

from tests.live import Installation
from tests.videoapi import document

# The client warns that OpenAI's own server is gone; the shape lives on.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]
SMALL = {"size": "854x480"}
# No worker of this installation serves its queue: its jobs stay queued.
WAITING = {
    "title": "Waits",
    "provider": "jobs.providers.rehearsal.Rehearsal",
    "seconds_of_work": 0.1,
    "queue": "remote",
}

MAKE_USERS = """
from accounts import tokens
from accounts.models import User
for number in range(40):
    print(tokens.issue(User.objects.create_user(f"user{number}"), name="test")[1])
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    with Installation(
        tmp_path_factory.mktemp("openai"),
        DUST_OPENING_GRANT="100",
        OPENAI_MODELS=json.dumps({"sora-2": "rehearsal"}),
        VIDEO_MODELS=json.dumps({"rehearsal": {"options": {"seconds": 0.2}}, "waiting": WAITING}),
        WORKER_QUEUES="render=2",  # one has a slow job at times
    ) as running:
        yield running


@pytest.fixture(scope="module")
def strangers(installation):
    """Tokens of users that nobody has been yet: made by one process, as each takes its time to start."""
    return iter(installation.manage("shell", "--no-imports", "-c", MAKE_USERS).split())


@pytest.fixture
def token(strangers):
    return next(strangers)


@pytest.fixture
def client(installation, token):
    with openai.OpenAI(api_key=token, base_url=f"{installation.url}/v1", max_retries=0) as one:
        yield one


@pytest.fixture
def own(installation, token):
    """The same user by our own API."""
    api = installation.user_of(token)
    yield api
    api.close()


def made(client, prompt="A quiet sea", **fields):
    return client.videos.create_and_poll(
        prompt=prompt, poll_interval_ms=200, **{"model": "sora-2", **SMALL, **fields}
    )


def picture():
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(file, "PNG")
    return "teal.png", file.getvalue(), "image/png"


def test_untouched_code_makes_a_video_and_downloads_it(client, own):
    video = made(client)
    assert (video.status, video.progress, video.object, video.error) == ("completed", 100, "video", None)
    assert (video.model, video.seconds, video.size) == ("rehearsal", "5", "854x480")
    assert video.expires_at - video.completed_at == 24 * 3600
    assert video.completed_at >= video.created_at > 1_700_000_000
    ours = own.get(f"/videos/jobs/{video.id}/result")["video"]
    data = client.videos.download_content(video.id).read()
    assert data[4:8] == b"ftyp"
    assert data == own.download(ours["url"])
    thumbnail = client.videos.download_content(video.id, variant="thumbnail").read()
    assert thumbnail[:3] == b"\xff\xd8\xff"
    assert thumbnail == own.download(ours["thumbnail_url"])
    part = client.videos.download_content(video.id, extra_headers={"Range": "bytes=4-7"})
    assert (part.response.status_code, part.read()) == (206, b"ftyp")
    with pytest.raises(openai.NotFoundError, match="spritesheet"):
        client.videos.download_content(video.id, variant="spritesheet")
    assert own.get("/dust/balance")["available"] == 90


def test_the_snippet_of_the_documentation_does_what_it_says(installation, token, tmp_path, monkeypatch):
    """It gives no interval of its own, so the server's advice is what it waits by."""
    told = [block.text for block in document.blocks() if block.language == "python"]
    (snippet,) = [text for text in told if "import openai" in text or "from openai" in text]
    monkeypatch.chdir(tmp_path)
    exec(snippet.replace("http://localhost:8000", installation.url), {"TOKEN": token})
    assert (tmp_path / "fox.mp4").read_bytes()[4:8] == b"ftyp"
    assert (tmp_path / "fox.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_picture_becomes_a_video_of_its_shape(client, own):
    video = made(client, "Zoom in", input_reference=picture(), size="854x480")
    assert (video.status, video.size) == ("completed", "854x480")
    assert own.get("/dust/balance")["available"] == 92
    listed = own.get("/videos")["videos"][0]
    assert listed["generation_type"] == "image_to_video"


def test_a_failure_has_a_code_and_a_message_and_costs_nothing(client, own):
    video = made(client, "A quiet sea [reject]")
    assert (video.status, video.error.code) == ("failed", "moderation_blocked")
    assert "content rules" in video.error.message
    assert own.get("/dust/balance") == {"success": True, "balance": 100, "held": 0, "available": 100}
    with pytest.raises(openai.NotFoundError) as caught:
        client.videos.download_content(video.id)
    assert caught.value.code == "video_not_made"


def test_the_list_pages_by_itself(client):
    ids = [client.videos.create(prompt=f"Sea {number}", model="waiting").id for number in range(5)]
    page = client.videos.list(limit=2)
    assert [video.id for video in page.data] == ids[:2:-1]
    assert page.has_more
    assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == ids


def test_a_queued_video_is_deleted_and_paid_back(client, own):
    video = client.videos.create(prompt="A quiet sea", model="waiting")
    assert video.status == "queued"
    assert own.get("/dust/balance")["held"] == 10
    gone = client.videos.delete(video.id)
    assert (gone.id, gone.deleted, gone.object) == (video.id, True, "video.deleted")
    assert own.get("/dust/balance") == {"success": True, "balance": 100, "held": 0, "available": 100}
    for call in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            call(video.id)
    assert list(client.videos.list()) == []


def test_a_completed_video_is_deleted_from_the_library(client, own):
    video = made(client)
    assert len(own.get("/videos")["videos"]) == 1
    assert client.videos.delete(video.id).deleted
    assert own.get("/videos")["videos"] == []
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


# --- errors ------------------------------------------------------------------------------------------------


class Watched(httpx2.BaseTransport):
    """Sends requests on, counts them, and loses the answers to as many as it is told."""

    def __init__(self, lose=0):
        self.inner, self.requests, self.lose = httpx2.HTTPTransport(), [], lose

    def handle_request(self, request):
        self.requests.append(request)
        response = self.inner.handle_request(request)
        if self.lose:
            self.lose -= 1
            response.read()
            response.close()
            raise httpx2.ReadError("the connection broke before the answer came", request=request)
        return response

    def close(self):
        self.inner.close()


def patient(installation, token, watched):
    """A client as it comes: it tries again by itself."""
    return openai.OpenAI(
        api_key=token,
        base_url=f"{installation.url}/v1",
        http_client=openai.DefaultHttpxClient(transport=watched),
    )


ERRORS = [
    (openai.BadRequestError, "invalid_value", {"seconds": "8"}),
    (openai.BadRequestError, "invalid_value", {"size": "640x360"}),
    (openai.BadRequestError, "model_not_found", {"model": "sora-9"}),
    (openai.BadRequestError, "unknown_parameter", {"extra_body": {"style": "noir"}}),
    (openai.PermissionDeniedError, "permission_denied", {"extra_body": {"user_id": str(uuid.uuid4())}}),
]


@pytest.mark.parametrize(("error", "code", "fields"), ERRORS)
def test_errors_are_those_that_the_client_knows(client, error, code, fields):
    with pytest.raises(error) as caught:
        client.videos.create(prompt="A quiet sea", **fields)
    assert caught.value.code == code
    assert caught.value.request_id
    assert caught.value.body["message"]


def test_a_wrong_token_is_an_authentication_error(installation):
    with openai.OpenAI(api_key="vg_live_wrong", base_url=f"{installation.url}/v1") as stranger:
        for call in (stranger.videos.list, lambda: stranger.videos.create(prompt="A quiet sea")):
            with pytest.raises(openai.AuthenticationError) as caught:
                call()
            assert caught.value.code == "invalid_api_key"


def test_a_picture_beyond_what_is_read_is_413(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.videos.create(prompt="Zoom in", input_reference=("big.png", b"x" * 22 * 2**20, "image/png"))
    assert (caught.value.status_code, caught.value.code) == (413, "payload_too_large")


def test_a_running_video_is_a_conflict_that_is_not_tried_again(installation, token, client):
    video = client.videos.create(prompt="A quiet sea [slow 60]", model="rehearsal", **SMALL)
    while client.videos.retrieve(video.id).status == "queued":
        time.sleep(0.1)
    watched = Watched()
    with patient(installation, token, watched) as one, pytest.raises(openai.ConflictError) as caught:
        one.videos.delete(video.id)
    assert caught.value.code == "video_in_progress"
    assert len(watched.requests) == 1
    assert client.videos.retrieve(video.id).status == "in_progress"


def test_too_little_dust_is_a_rate_limit_error_that_is_not_tried_again(installation, token, own):
    watched = Watched()
    with patient(installation, token, watched) as client:
        for _ in range(10):
            client.videos.create(prompt="A quiet sea", model="waiting")
        with pytest.raises(openai.RateLimitError) as caught:
            client.videos.create(prompt="A quiet sea", model="waiting")
    assert caught.value.code == caught.value.type == "insufficient_quota"
    assert len(watched.requests) == 11
    assert own.get("/dust/balance") == {"success": True, "balance": 100, "held": 100, "available": 0}


def test_a_key_used_for_another_request_is_unprocessable(client):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.videos.create(prompt="A quiet sea", model="waiting", extra_headers=key)
    assert client.videos.create(prompt="A quiet sea", model="waiting", extra_headers=key).id == first.id
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.videos.create(prompt="A wild sea", model="waiting", extra_headers=key)
    assert caught.value.code == "idempotency_key_reused"


# --- tries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 2])
def test_a_create_whose_answers_were_lost_is_made_and_paid_once(installation, token, own, lost):
    watched = Watched(lose=lost)
    with patient(installation, token, watched) as client:
        video = client.videos.create(prompt="A quiet sea", model="waiting", input_reference=picture())
        assert len(watched.requests) == 1 + lost
        assert "idempotency-key" not in watched.requests[0].headers
        assert [found.id for found in client.videos.list()] == [video.id]
        assert own.get("/dust/balance")["held"] == 8
        another = client.videos.create(prompt="A quiet sea", model="waiting", input_reference=picture())
        assert another.id != video.id


def test_the_async_client_does_the_same(installation, token):
    async def play():
        async with openai.AsyncOpenAI(api_key=token, base_url=f"{installation.url}/v1") as client:
            video = await client.videos.create_and_poll(
                prompt="A quiet sea", model="sora-2", size="480x480", poll_interval_ms=200
            )
            assert (video.status, video.size) == ("completed", "480x480")
            content = await client.videos.download_content(video.id)
            assert (await content.aread())[4:8] == b"ftyp"
            assert [found.id async for found in client.videos.list()] == [video.id]
            assert (await client.videos.delete(video.id)).deleted
            with pytest.raises(openai.NotFoundError):
                await client.videos.retrieve(video.id)

    asyncio.run(play())
