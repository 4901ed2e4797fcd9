"""The Python client, sync and async, against a real server."""

import asyncio
import http.client
import http.server
import threading
import urllib.parse
import uuid

import pytest

import videoapi_client as api

pytestmark = pytest.mark.slow

SMALL = {"model": "rehearsal", "resolution": "sd_480p"}
HELD = {**SMALL, "model": "held"}


@pytest.fixture
def client(live, token):
    with api.VideoClient(live.url, token) as client:
        yield client


def test_a_text_becomes_a_video_that_can_be_kept_marked_fetched_and_deleted(client):
    seen = []
    job = client.videos.generate("A red fox", metadata={"from": "a test"}, **SMALL)
    assert job.receipt["cost"] == 10
    video = job.wait(on_progress=seen.append, timeout=120)["video"]
    assert seen[-1]["status"] == "completed"
    assert [one["progress"] for one in seen] == sorted(one["progress"] for one in seen)
    assert video["metadata"] == {"from": "a test"}
    with client.videos.download(video) as response:
        film = response.read()
    assert len(film) == video["size_bytes"]
    assert film[4:8] == b"ftyp"

    assert client.videos.favourite(video["id"])["is_favorited"]
    assert [one["id"] for one in client.videos.list(favorites_only=True, limit=1)] == [video["id"]]
    assert not client.videos.favourite(video["id"], False)["is_favorited"]
    client.videos.delete(video["id"])
    with pytest.raises(api.NotFoundError):
        client.videos.get(video["id"])
    with pytest.raises(api.VideoDeletedError):
        job.result()


def test_a_link_that_is_no_good_any_more_is_renewed(client):
    video = client.videos.generate("A red fox", **SMALL).wait(timeout=120)["video"]
    parts = urllib.parse.urlsplit(video["url"])
    forged = parts.path.replace("/videos/files/", "/videos/files/x")
    with (
        pytest.raises(api.ApiError),
        client.videos.download({**video, "url": parts._replace(path=forged).geturl()}),
    ):
        pytest.fail("A forged link was served.")
    with client.videos.download(client.videos.get(video["id"])) as response:
        assert sum(map(len, response.iter_bytes())) == video["size_bytes"]


def test_jobs_end_each_in_its_own_way_while_others_run(live, token, picture, held):
    async def run():
        async with api.AsyncVideoClient(live.url, token) as client:
            jobs = [
                await client.videos.animate(picture, "Zoom in", camera_fixed=True, seed=7, **SMALL),
                await client.videos.animate(picture.read_bytes(), "Pan left [reject]", **SMALL),
                await client.videos.generate("A tortoise", **HELD),
                await client.videos.generate("A hare", **HELD),
                await client.videos.generate("Never made", **SMALL),
            ]
            cancelled = await jobs[4].cancel()
            held()
            return cancelled, await asyncio.gather(
                *(job.wait(timeout=120) for job in jobs), return_exceptions=True
            )

    cancelled, ends = asyncio.run(run())
    assert cancelled["status"] == "cancelled"
    assert ends[0]["video"]["generation_type"] == "image_to_video"
    assert isinstance(ends[1], api.JobFailedError)
    assert (ends[1].failure_code, ends[1].dust) == ("content_rejected", "refunded")
    assert [end["status"] for end in ends[2:4]] == ["completed", "completed"]
    assert isinstance(ends[4], api.JobCancelledError)


def test_waiting_can_end_before_the_job_does(client, held):
    job = client.videos.generate("A tortoise", **HELD)
    with pytest.raises(api.WaitTimeoutError):
        job.wait(timeout=0.5)
    assert job.id in {one["job_id"] for one in client.jobs.active()}
    held()
    assert job.wait()["status"] == "completed"
    with pytest.raises(api.JobNotCancellableError) as raised:
        job.cancel()
    assert raised.value.job_status == "completed"


def test_errors_come_as_their_classes(client, live):
    with pytest.raises(api.InvalidRequestError) as raised:
        client.videos.generate("")
    assert raised.value.errors[0]["field"] == "prompt"
    with pytest.raises(api.NotFoundError):
        client.jobs.get("019a2098-5d59-7b0a-8e11-5a3c2f9d1e77").wait()
    with api.VideoClient(live.url, "vg_live_of_nobody") as nobody, pytest.raises(api.NotAuthenticatedError):
        nobody.dust.balance()


def test_a_price_a_model_and_the_installations_state_are_told(client):
    assert "rehearsal" in {one["model"] for one in client.models()}
    assert client.quote(generation_type="image_to_video")["cost"] == 8
    assert client.statistics()["is_running"]
    balance = client.dust.balance()
    assert balance["available"] == balance["balance"] - balance["held"]


@pytest.fixture
def losing(live):
    """The server, behind a connection that loses the first reply to every submit after it was worked on."""
    lost = set()

    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self):
            onward = http.client.HTTPConnection(urllib.parse.urlsplit(live.url).netloc, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            onward.request(self.command, self.path, body, dict(self.headers))
            answer = onward.getresponse()
            content = answer.read()
            onward.close()
            key = self.headers.get("Idempotency-Key")
            if key and key not in lost:
                lost.add(key)
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = forward  # noqa: N815 - as the library calls them

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", lost
        server.shutdown()
        thread.join(30)


def test_a_submit_whose_reply_was_lost_makes_and_costs_one_job(client, losing, token, picture):
    url, lost = losing
    with api.VideoClient(url, token) as unlucky:
        for submit in (
            unlucky.videos.generate,
            lambda prompt, **more: unlucky.videos.animate(picture, prompt, **more),
        ):
            prompt = f"Only once {uuid.uuid4()}"
            job = submit(prompt, **SMALL)
            job.wait(timeout=120)
            assert [one["job_id"] for one in client.jobs.list(limit=100) if one["prompt"] == prompt] == [
                job.id
            ]
            moved = [one["kind"] for one in client.dust.transactions() if one["job_id"] == job.id]
            assert moved == ["post", "hold"]
    assert len(lost) == 2
