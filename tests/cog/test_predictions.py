"""Videos made by a model behind a real Cog server: what it is given, and what comes of it."""

import base64
import contextlib
import http.server
import io
import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import av
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from PIL import Image

from dust import audit
from jobs import runner
from jobs.models import Job
from jobs.providers import cog
from jobs.providers.base import ESTIMATED, FailureCode
from jobs.states import Status
from tests.jobs.making import OPENING, PRICE
from tests.remote.watching import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def require(job, code, words):
    """Let the job have failed for that, and told staff these words."""
    assert (job.status, job.failure_code) == (Status.FAILED, code), job.failure_detail
    assert words in job.failure_detail


def is_handed_back(job):
    """Whether another attempt is to be made at it."""
    return (job.status, job.worker) == (Status.STARTING, "")


def renders():
    """The processes that render for this one."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            command = Path("/proc", name, "cmdline").read_text()
            parent = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1]
            if "jobs.render_child" in command and int(parent) == os.getpid():
                found.append(int(name))
    return found


def test_a_text_becomes_a_video_as_it_was_ordered(server, offer, run, alice, dust_of):
    offer(server.url, options={"fields": {"steps": 4}})
    job = run("A lake at dawn", seed=5)
    assert job.status == Status.COMPLETED, job.failure_detail
    assert server.asked()[-1] == {
        "prompt": "A lake at dawn",
        "seconds": 5,
        "width": 854,
        "height": 480,
        "seed": 5,
        "picture": None,
        "steps": 4,
    }
    video = job.video
    assert (video.width, video.height, video.fps, video.duration_seconds) == (854, 480, 8, 5.0)
    with default_storage.open(video.file) as file, av.open(io.BytesIO(file.read())) as container:
        assert container.streams.video[0].frames == 40
    with default_storage.open(video.poster) as file:
        assert Image.open(file).size == (854, 480)
    assert dust_of(alice) == (OPENING - PRICE, 0)


def test_a_large_picture_reaches_the_model(server, offer, run):
    offer(server.url)
    noise = Image.frombytes("RGB", (2400, 1600), os.urandom(2400 * 1600 * 3))
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=90)
    stored = default_storage.save("uploads/aa/noise", ContentFile(file.getvalue()))
    asked = {"generation_type": "image_to_video", "aspect_ratio": "", "cost": 8}
    job = run(upload=stored, upload_name="noise.jpg", **asked)
    assert job.status == Status.COMPLETED, job.failure_detail
    assert server.asked()[-1]["picture"] > 3_000_000
    assert (job.video.width, job.video.height) == (720, 480)


@pytest.mark.parametrize(
    ("prompt", "code", "words"),
    [
        ("[fail]", FailureCode.PROVIDER_UNAVAILABLE, "device-side assert"),
        ("[nsfw]", FailureCode.CONTENT_REJECTED, "NSFW content detected"),
        ("[short]", FailureCode.PROVIDER_UNAVAILABLE, "it lasts 1.2 s, not 5 s"),
        ("[text]", FailureCode.PROVIDER_UNAVAILABLE, "it can't be read"),
    ],
)
def test_what_makes_no_such_video_is_failed_and_refunded(
    server, offer, run, alice, dust_of, prompt, code, words
):
    offer(server.url)
    require(run(prompt), code, words)
    assert dust_of(alice) == (OPENING, 0)
    assert audit.violations() == []


def test_what_the_model_does_not_take_is_told_to_staff(server, offer, run):
    offer(server.url, options={"fields": {"guidance": 4}})
    require(run(), FailureCode.PROVIDER_UNAVAILABLE, "unexpected keyword argument 'guidance'")


@pytest.fixture
def background():
    """Run jobs as workers of their own would, in threads."""
    threads = []

    def start(job):
        def work():
            runner.run(job.id, worker=f"w{len(threads)}")
            connections.close_all()

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_busy_is_waited_for_and_progress_is_estimated(
    server, offer, submit, fresh, background
):
    offer(server.url)
    first, second = (submit(prompt="[wait]", model="mine", expected_seconds=4.0) for _ in range(2))
    with server.held():
        background(first)
        eventually(lambda: server.health() == "BUSY")
        background(second)
        eventually(lambda: fresh(second).current_step == cog.WAITING)
        eventually(lambda: fresh(first).current_step == ESTIMATED and fresh(first).progress > 0.2)
    for job in (first, second):
        eventually(lambda job=job: Job.objects.finished().filter(id=job.id).exists())
        assert fresh(job).status == Status.COMPLETED, fresh(job).failure_detail


@pytest.mark.django_db(transaction=True)
def test_a_render_that_is_killed_ends_its_prediction_and_the_next_attempt_makes_the_video(
    server, offer, submit, fresh, background
):
    offer(server.url)
    before = len(server.asked())
    job = submit(prompt="[wait]", model="mine")
    with server.held():
        background(job)
        eventually(lambda: len(server.asked()) == before + 1)
        [render] = renders()
        os.kill(render, signal.SIGKILL)
        eventually(lambda: server.health() == "READY")
        assert server.went_on() == 0
        eventually(lambda: is_handed_back(fresh(job)))
    background(fresh(job))
    eventually(lambda: fresh(job).status == Status.COMPLETED)
    assert (fresh(job).attempt, len(server.asked())) == (2, before + 2)


def test_a_model_that_dies_costs_an_attempt_and_not_the_job(serve, offer, run):
    server = serve()
    server.wait("READY")
    offer(server.url)
    job = run("[crash]")
    assert is_handed_back(job)
    said = job.events.order_by("-id").first().message
    assert "Worker crashed" in said
    assert re.search("said that it is (SETUP_FAILED|DEFUNCT|UNHEALTHY)", said), said


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_gone_without_a_word_is_noticed(serve, offer, submit, fresh, background):
    server = serve()
    server.wait("READY")
    offer(server.url)
    job = submit(prompt="[wait]", model="mine")
    with server.held():
        background(job)
        eventually(lambda: len(server.asked()) == 1)
        server.freeze()  # its machine takes what comes, and answers nothing
        eventually(lambda: is_handed_back(fresh(job)), patience=180)
    assert "does not say any more how it is" in job.events.order_by("-id").first().message


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_away_for_a_while_is_waited_for(serve, offer, submit, fresh, background):
    server = serve()
    offer(server.url, options={"patience": 120})
    server.stop()
    job = submit(model="mine")
    background(job)
    eventually(lambda: fresh(job).current_step == cog.WAITING)
    server.start()
    server.wait("READY", "BUSY")
    eventually(lambda: fresh(job).status == Status.COMPLETED)
    assert fresh(job).attempt == 1


def test_a_server_that_is_still_loading_is_waited_for(serve, offer, run):
    server = serve(SETUP_SECONDS="3")
    server.wait("STARTING", "READY")
    offer(server.url)
    job = run()
    assert job.status == Status.COMPLETED, job.failure_detail


def test_a_server_whose_model_cannot_be_loaded_is_not_waited_for(serve, offer, run):
    server = serve(SETUP_FAILS="1")
    server.wait("SETUP_FAILED")
    offer(server.url)
    job = run()
    assert is_handed_back(job)
    assert "SETUP_FAILED" in job.events.order_by("-id").first().message


def test_a_server_that_is_away_costs_an_attempt_and_in_the_end_nothing(offer, run, fresh, alice, dust_of):
    offer("http://127.0.0.1:9")
    job = run()
    while is_handed_back(job):
        runner.run(job.id, worker="w1")
        job = fresh(job)
    require(job, FailureCode.PROVIDER_UNAVAILABLE, "did not answer")
    assert (job.attempt, dust_of(alice)) == (3, (OPENING, 0))


def test_a_server_that_takes_connections_and_says_nothing_is_soon_given_up(offer, run):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        offer(f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert is_handed_back(run())
    assert time.monotonic() - began < 60


@pytest.fixture
def answering():
    """Serve one answer to whatever is put: its status, its body, and how long it claims to be.

    The body is sent so many `times`; `then` is what the server says of itself from then on.
    """

    @contextlib.contextmanager
    def serving(status, body, *, length=None, times=1, then="READY"):
        health = ["READY"]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, json.dumps({"status": health[-1]}).encode())

            def do_PUT(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                health.append(then)
                with contextlib.suppress(ConnectionError):
                    self.answer(status, body, length, times)

            def answer(self, status, body, length=None, times=1):
                self.send_response(status)
                self.send_header("Content-Length", str(length or len(body) * times))
                self.end_headers()
                for _ in range(times):
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
            threading.Thread(target=one.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{one.server_address[1]}"
            one.shutdown()

    return serving


def prediction(**fields):
    return json.dumps({"status": "succeeded", **fields}).encode()


LINK = "https://bucket.example.com/out.mp4"
ZIP = "data:video/mp4;base64," + base64.b64encode(b"PK\x03\x04" * 100).decode()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>Welcome to nginx!</html>", "is no JSON"),
        (200, b"[1, 2]", "is no prediction"),
        (200, prediction(), "without a video"),
        (200, prediction(output=LINK), "without a video in its answer"),
        (200, prediction(output="data:video/mp4;base64,%%%"), "no base64"),
        (200, prediction(output=ZIP), "can't be read"),
        (200, prediction(output={"poster": ZIP}), "without a video"),
        (200, prediction(status="resting"), "ended as 'resting'"),
        (404, b"{}", "HTTP 404"),
        (204, b"", "HTTP 204"),
        (301, b"moderation of traffic", "HTTP 301"),
    ],
)
def test_an_odd_answer_fails_the_job_with_a_word_for_staff(
    answering, offer, run, alice, dust_of, status, body, words
):
    with answering(status, body) as url:
        offer(url)
        require(run(), FailureCode.PROVIDER_UNAVAILABLE, words)
    assert dust_of(alice) == (OPENING, 0)


@pytest.mark.parametrize(
    ("status", "body", "length"),
    [
        (502, b"Bad gateway", None),
        (200, b'{"status": "succ', 5000),
        (200, b'{"status": "canceled"}', None),
    ],
    ids=["an error of the server's", "cut off", "canceled there"],
)
def test_what_may_go_better_next_time_is_tried_again(answering, offer, run, status, body, length):
    with answering(status, body, length=length) as url:
        offer(url)
        assert is_handed_back(run())


def test_what_a_server_refused_for_its_content_before_it_broke_down_is_not_tried_again(answering, offer, run):
    refused = b'{"status": "failed", "error": "NSFW content detected"}'
    with answering(200, refused, then="UNHEALTHY") as url:
        offer(url)
        require(run(), FailureCode.CONTENT_REJECTED, "NSFW")


def test_an_answer_that_is_too_long_is_not_read_to_its_end(answering, offer, run):
    with answering(200, b" " * 2**20, times=cog.LARGEST_ANSWER // 2**20 + 1) as url:
        offer(url)
        require(run(), FailureCode.PROVIDER_UNAVAILABLE, f"more than {cog.LARGEST_ANSWER} bytes")


def test_an_order_that_is_refused_is_refused_to_the_user(answering, offer, run):
    with answering(422, b'{"detail": "prompt: too long"}') as url:
        offer(url)
        require(run(), FailureCode.PROVIDER_REJECTED, "too long")
