"""A real Cog server from its package, and a model that it makes videos of."""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from jobs import runner
from tests import ports
from tests.jobs.conftest import dust_of, fresh, submit  # noqa: F401 - fixtures

MODEL = Path(__file__).with_name("model")
STARTS_WITHIN = 60.0
PROVIDER = "jobs.providers.cog.Cog"


class Server:
    """A Cog server on 127.0.0.1, a process group of its own."""

    def __init__(self, folder, **environment):
        self.port = ports.reserve()
        self.url = f"http://127.0.0.1:{self.port}"
        self.seen = folder / "seen.jsonl"
        self._go, self._went = (folder / f"seen.jsonl.{word}" for word in ("go", "went"))
        self.log = folder / "server.log"
        self._environment = environment
        self._process = None

    def start(self):
        programs = Path(sys.executable).parent
        environment = {
            "PATH": f"{programs}{os.pathsep}{os.defpath}",  # it starts its worker by the name `python`
            "HOME": str(self.log.parent),
            "PORT": str(self.port),
            "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
            "SEEN": str(self.seen),
            **self._environment,
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1"],
                cwd=MODEL,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self):
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def freeze(self):
        os.killpg(self._process.pid, signal.SIGSTOP)

    def health(self):
        """What it says of itself, None while it does not answer."""
        try:
            return httpx2.get(f"{self.url}/health-check", trust_env=False, timeout=10).json()["status"]
        except httpx2.TransportError:
            return None

    def wait(self, *wanted):
        end = time.monotonic() + STARTS_WITHIN
        while self.health() not in wanted:
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.1)

    @contextlib.contextmanager
    def held(self):
        """Let [wait] wait until the end of the block."""
        self._went.unlink(missing_ok=True)
        self._go.unlink(missing_ok=True)
        try:
            yield
        finally:
            self._go.touch()

    def went_on(self):
        """How many predictions have gone on since they were held."""
        return len(self._went.read_text().splitlines()) if self._went.exists() else 0

    def asked(self):
        """What the model was given so far, each time."""
        return [json.loads(line) for line in self.seen.read_text().splitlines()] if self.seen.exists() else []


@pytest.fixture
def serve(tmp_path):
    """Start a server with these words in its environment."""
    started = []

    def start(**environment):
        server = Server(tmp_path, **environment)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a module, ready."""
    one = Server(tmp_path_factory.mktemp("cog"))
    one.start()
    try:
        one.wait("READY")
        yield one
    finally:
        one.stop()


@pytest.fixture
def offer(settings, tmp_path):
    """Offer a server's model as `mine`."""
    settings.WORK_DIR = tmp_path / "work"
    settings.JOB_RETRY = datetime.timedelta()

    def offered(url, *, options=(), **changes):
        names = {"duration": "seconds", "image": "picture", "width": "width", "height": "height"}
        entry = {
            "title": "Mine",
            "provider": PROVIDER,
            "seconds_of_work": 1,
            "options": {"url": url, "names": names, "patience": 1, **dict(options)},
        }
        settings.VIDEO_MODELS = {"mine": {**entry, **changes}}

    yield offered
    assert not list(settings.WORK_DIR.glob("*")), "a work folder was left behind"


@pytest.fixture
def run(submit, fresh):  # noqa: F811
    """Submit a prompt to the model, and run it as a worker would."""

    def make(prompt="a quiet sea", **changes):
        job = submit(prompt=prompt, model="mine", **changes)
        runner.run(job.id, worker="w1")
        return fresh(job)

    return make
