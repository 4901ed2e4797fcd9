"""`make run` and `make demo`, as a person types them, against real processes and real files."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx2
import pytest

from base import processes
from tests import ports
from tests.faults import storm_machines

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 240  # seconds for what takes a moment, on a machine that is busy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="brings its own SQLite: once is enough"),
]


class Command:
    """A management command with its output in a file, and everything that it started."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.mark = f"TEST_COMMAND={processes.new_id()}"
        self.output = folder / "output.log"
        name, _, value = self.mark.partition("=")
        dropped = ("SECRET_KEY", "ALLOWED_HOSTS", "SECURE_COOKIES", "DUST_OPENING_GRANT", "LOG_LEVEL")
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        own = {"DJANGO_SETTINGS_MODULE": "videoapi.settings", "DEBUG": "true", name: value}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env={**kept, **own, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *error: object) -> None:
        processes.end_all(self.mark)
        self.process.wait()

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str, seconds: float) -> str:
        """Return the first group of `pattern` once the output has it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text())):
            assert time.monotonic() < deadline, self.text()
            assert self.process.poll() is None, self.text()
            time.sleep(0.2)
        return found.group(1)


def run(data: Path, port: int) -> Command:
    return Command(data, "run", PORT=str(port), DATA_DIR=str(data))


def get(url: str, **options: object) -> httpx2.Response:
    return httpx2.get(url, timeout=60, **options)


@pytest.mark.timeout(900)
def test_run_shows_a_first_video_and_stops_with_nothing_left(tmp_path):
    data, port = tmp_path / "var", ports.reserve()
    with run(data, port) as first:
        video = first.wait_for(r"A video     (http\S+)", PATIENCE)
        token = first.wait_for(r"Token       (\S+)", PATIENCE)
        assert get(video).content[4:8] == b"ftyp"
        balance = get(f"http://127.0.0.1:{port}/dust/balance", headers={"Authorization": f"Bearer {token}"})
        assert balance.json()["available"] == 1000 - 10
        link = first.wait_for(r"Sign in     (http\S+)", PATIENCE)
        password = first.wait_for(r"Password    (\S+)", PATIENCE)
        assert password in get(link).text
        assert password not in get(f"http://127.0.0.1:{port}/login").text
        assert first.text().count(link.partition("=")[2]) == 1  # no line is written about who followed it
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(PATIENCE) == 0
        assert processes.marked(first.mark) == []
    assert stat.S_IMODE((data / "demo.json").stat().st_mode) == 0o600
    kept = json.loads((data / "demo.json").read_text())
    with run(data, port) as second:
        assert second.wait_for(r"Password    (\S+)", PATIENCE) == kept["password"]
        assert second.wait_for(r"Token       (\S+)", PATIENCE) == token == kept["token"]
        assert second.wait_for(r"Sign in     (http\S+)", PATIENCE) == link
        assert get(second.wait_for(r"A video     (http\S+)", PATIENCE)).content[4:8] == b"ftyp"
        assert "Making a first video" not in second.text()


@pytest.mark.timeout(800)
def test_run_starts_a_killed_worker_again(tmp_path):
    with run(tmp_path / "var", ports.reserve()) as command:
        command.wait_for(r"(is up)", PATIENCE)
        running = processes.marked(command.mark)
        (worker,) = [each for each in running if "worker" in storm_machines.command(each).split()]
        os.kill(worker.pid, signal.SIGKILL)
        command.wait_for(r"(starting it again)", PATIENCE)
        command.wait_for(r"starting it again(?s:.*)(worker \S+: started)", PATIENCE)
        assert not processes.is_running(worker)


def test_run_says_what_to_do_about_a_taken_port(tmp_path):
    port = ports.reserve()
    with socket.create_server(("127.0.0.1", port)), run(tmp_path / "var", port) as command:
        assert command.process.wait(PATIENCE) == 1
        assert f"PORT={port + 1} make run" in command.text()
        assert "Traceback" not in command.text()


@pytest.mark.timeout(600)
def test_the_demo_makes_two_real_videos_and_proves_it(tmp_path):
    with Command(tmp_path, "demo", "--folder", str(tmp_path / "demo")) as command:
        assert command.process.wait(580) == 0, command.text()
        assert processes.marked(command.mark) == []
    assert "FAIL" not in command.text()
    assert re.search(r"reverse +10", command.text())
    for name in ("generate", "animate"):
        with av.open(str(tmp_path / "demo" / f"{name}.mp4")) as video:
            assert video.streams.video[0].codec_context.name == "h264"
