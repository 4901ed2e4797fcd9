"""SIGTERM to a web process: what is under way is finished, nothing new is taken, and it ends in time."""

import contextlib
import http.client
import io
import json
import signal
import socket
import subprocess
import uuid

import pytest
from PIL import Image

from tests import ports
from tests.faults import outages
from tests.faults.outages import Caller
from tests.live import ROOT, Installation
from tests.ports import HOST
from videoapi import local

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GRACE = 5  # of videoapi.local and the README
PATIENT = 120  # long enough for a client on a busy machine
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"  # sent when the application first reads what a request brings
CUT_OFF = "timeout graceful shutdown exceeded"  # uvicorn's words, when the grace is over
MEGABYTE = 1024 * 1024
BOUNDARY = "limit"


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    settings = {"DUST_OPENING_GRANT": "500"}
    with Installation(tmp_path_factory.mktemp("web"), **settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def token(live):
    return live.token("ada")


@pytest.fixture
def caller(live, token):
    with contextlib.closing(Caller(live.url, token)) as caller:
        yield caller


@pytest.fixture
def web(live, request, tmp_path):
    """One more web process, ours to stop; with a grace of its own where a test gives it one."""
    port = ports.reserve()
    command = local.web(HOST, port).command
    if hasattr(request, "param"):
        command += ("--timeout-graceful-shutdown", str(request.param))
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=live.environment, stderr=output)
    try:
        with contextlib.closing(Caller(local.address(HOST, port), "nobody")) as probe:
            outages.wait_for(lambda: probe.ask("/healthz").status == 200)
        process.port = port
        process.said = log.read_text
        yield process
    finally:
        process.kill()
        process.wait()
        print(log.read_text())


@pytest.fixture
def client(web):
    with contextlib.closing(http.client.HTTPConnection(HOST, web.port, timeout=PATIENT)) as client:
        yield client


def refuses(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def stop(web):
    """Send SIGTERM, and return when once new connections are refused."""
    web.send_signal(signal.SIGTERM)
    outages.wait_for(lambda: refuses(web.port))


def require_begun(connection):
    """Return when a request that expects to be told is being read: no idle connection any more."""
    assert connection.recv(len(CONTINUE), socket.MSG_WAITALL) == CONTINUE


def multipart():
    file = io.BytesIO()
    Image.effect_noise((512, 512), 90).save(file, "png")
    text = {"prompt": "a sea", "model": "rehearsal", "resolution": "sd_480p"}
    fields = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in text.items()
    )
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    head += "Content-Type: image/png\r\n\r\n"
    return (fields + head).encode() + file.getvalue() + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("web", [PATIENT], indirect=True)
def test_an_upload_under_way_is_answered(web, client, token, caller):
    body = multipart()
    client.putrequest("POST", "/videos/animate")
    client.putheader("Authorization", f"Bearer {token}")
    client.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    client.putheader("Content-Length", str(len(body)))
    client.putheader("Expect", "100-continue")
    client.endheaders(body[: len(body) // 2])
    require_begun(client.sock)
    stop(web)
    client.send(body[len(body) // 2 :])
    response = client.getresponse()
    answer = json.loads(response.read())
    assert response.status == 202
    web.wait(PATIENT + 60)
    assert CUT_OFF not in web.said()
    assert caller.status(answer["job_id"]).status == 200


@pytest.mark.parametrize("web", [PATIENT], indirect=True)
def test_a_download_under_way_is_finished(live, web, client, caller):
    job_id = caller.submit("a sea").body["job_id"]
    outages.finished(caller, job_id)
    video = caller.ask(f"/videos/jobs/{job_id}/result").body["video"]
    [file] = (live.folder / "media").rglob(f"{uuid.UUID(video['id']).hex}*.mp4")
    with file.open("r+b") as content:
        content.truncate(60 * MEGABYTE)  # more than all buffers on the way hold
    client.request("GET", "/" + video["url"].split("/", 3)[3])
    response = client.getresponse()
    taken = len(response.read(MEGABYTE))
    stop(web)
    while chunk := response.read(MEGABYTE):
        taken += len(chunk)
    assert taken == 60 * MEGABYTE
    web.wait(PATIENT + 60)


def test_what_never_ends_does_not_keep_it(web):
    with (
        socket.create_connection((HOST, web.port), timeout=PATIENT) as idle,
        socket.create_connection((HOST, web.port), timeout=PATIENT) as slow,
    ):
        slow.sendall(
            b"POST /videos/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        require_begun(slow)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        stop(web)
        web.wait(120)
    assert CUT_OFF in web.said()
    assert f"--timeout-graceful-shutdown {GRACE} " in " ".join(web.args)
