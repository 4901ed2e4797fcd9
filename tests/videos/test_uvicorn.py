"""Playing large files from a real server: memory, ranges, and clients that go away."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from tests import ports
from videos import links

MEGABYTE = 1024 * 1024
SIZE = 300 * MEGABYTE
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def database_url():
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)


def until(condition, seconds=60):
    """Wait for something to become true, and return what it is."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


class Server:
    """A uvicorn of our own, seen from outside through /proc."""

    def __init__(self, process, port):
        self.process = process
        self.port = port

    @contextlib.contextmanager
    def get(self, url, *, method="GET", **headers):
        """Give the response; the client is gone afterwards, whatever it has read."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        client.request(method, url, headers=headers)
        try:
            with client.getresponse() as response:
                yield response
        finally:
            client.close()

    def fetch(self, url, **headers):
        """Return status, headers and the whole body."""
        with self.get(url, **headers) as response:
            return response.status, response.headers, response.read()

    def answers(self):
        assert self.process.poll() is None, "the server ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def memory(self, field="VmRSS"):
        """Return bytes in memory now, or with VmHWM the most there ever were."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        raise LookupError(field)

    def open_files(self):
        names = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                names.append(os.readlink(entry))
            except FileNotFoundError:  # closed meanwhile
                continue
        return names

    def has_open(self, name):
        return any(path.endswith(name) for path in self.open_files())


@pytest.fixture
def server(media, tmp_path):
    port = ports.reserve()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "videoapi.asgi:application",
            "--port",
            str(port),
            "--lifespan",
            "off",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "videoapi.settings",
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(tmp_path / "data"),
            "MEDIA_ROOT": str(media),
        },
    )
    server = Server(process, port)
    try:
        assert until(server.answers, 120)
        yield server
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def video(alice, make_video, media):
    """300 MB, nearly all of it a hole; the last bytes are told apart."""
    video = make_video(alice)
    with open(media / video.file, "r+b") as file:
        file.seek(SIZE - 4)
        file.write(b"end!")
    return video


def drain(response):
    total = 0
    while chunk := response.read(MEGABYTE):
        total += len(chunk)
    return total


def test_a_large_video_goes_through_in_little_memory(server, video):
    url = links.video_url(video)
    status, headers, _ = server.fetch(url, method="HEAD")
    assert (status, headers["Content-Length"]) == (200, str(SIZE))
    before = server.memory()
    with server.get(url) as response:
        assert response.headers["Content-Length"] == str(SIZE)
        assert drain(response) == SIZE
    assert server.memory("VmHWM") - before < 40 * MEGABYTE
    assert until(lambda: not server.has_open(video.file))


def test_ranges_and_refusals_over_the_wire(server, video):
    url = links.video_url(video)
    status, headers, body = server.fetch(url, Range="bytes=-4")
    assert (status, body) == (206, b"end!")
    assert headers["Content-Range"] == f"bytes {SIZE - 4}-{SIZE - 1}/{SIZE}"
    etag = headers["ETag"]
    status, headers, _ = server.fetch(url, Range=f"bytes={SIZE}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert headers["Content-Type"] == "application/problem+json"
    status, headers, body = server.fetch(url, **{"If-None-Match": etag})
    assert (status, headers["ETag"], body) == (304, etag, b"")
    status, headers, body = server.fetch(url, method="HEAD", Range="bytes=0-1")
    assert (status, headers["Content-Length"], body) == (200, str(SIZE), b"")


def test_slow_clients_cost_neither_memory_nor_a_database_connection(server, video):
    url = links.video_url(video)
    server.fetch(url, method="HEAD")
    before = server.memory()
    with contextlib.ExitStack() as clients:
        for _ in range(12):
            response = clients.enter_context(server.get(url))
            assert len(response.read(MEGABYTE)) == MEGABYTE
        time.sleep(1)  # let the server read ahead, if it would
        assert server.memory() - before < 40 * MEGABYTE
        assert until(lambda: database_connections(server) == 0)
        assert server.fetch("/videos/nothing")[0] == 404  # and others are served
    assert until(lambda: not server.has_open(video.file))


def test_a_client_that_goes_away_frees_the_file(server, video):
    with server.get(links.video_url(video)) as response:
        response.read(MEGABYTE)
        assert until(lambda: server.has_open(video.file))
    assert until(lambda: not server.has_open(video.file))


def database_connections(server):
    """How many connections the server has open."""
    if connection.vendor == "sqlite":
        return sum(path.endswith(".sqlite3") for path in server.open_files())
    ours = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}")
        return cursor.fetchone()[0]
