"""A client of event streams, read in a thread, and a web server to listen to."""

import contextlib
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib import parse

from django.db import connection, models

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0  # seconds for what takes a moment, on a machine that is busy
END = "end"
PING = "ping"


def database_url():
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)


def until(condition, seconds=PATIENCE):
    """Wait for something to become true, and return what it is."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)
    return value


class NewerFailure(models.TextChoices):
    """What a worker of a newer release may write, and this one does not know."""

    UNHEARD_OF = "unheard_of", "Of a newer release."


class Event:
    """One message: `id` as sent, `job` what its data says."""

    def __init__(self, lines):
        fields = dict(line.split(": ", 1) for line in lines)
        self.name, self.id = fields["event"], int(fields["id"])
        self.data = fields["data"]
        self.job = json.loads(self.data)

    @property
    def stands(self):
        return self.job["job_id"], self.job["status"], self.job["progress"]


class Ear:
    """An open stream. `next` is the next event, or END; pings are counted, and not given.

    `last_id` is what a client would come back with: also that of an event without data, which is none.
    """

    def __init__(self, url, token, path, **headers):
        address = parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {token}", **headers})
        self.response = self._connection.getresponse()
        self.status = self.response.status
        self.pings = 0
        self.retry = None
        self.last_id = None
        self._events = queue.SimpleQueue()
        if self.status == 200:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        lines = []
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            while line := self.response.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("retry: "):
                    self.retry = int(text.removeprefix("retry: "))
                elif text == ": ping":
                    self.pings += 1
                elif text:
                    lines.append(text)
                elif lines:
                    self._take(lines)
                    lines = []
        self._events.put(END)

    def _take(self, lines):
        for line in lines:
            if line.startswith("id: "):
                self.last_id = int(line.removeprefix("id: "))
        if any(line.startswith("data: ") for line in lines):
            self._events.put(Event(lines))

    def next(self, seconds=PATIENCE):
        return self._events.get(timeout=seconds)

    def until(self, **stands):
        """The next event whose job has these values; END if there is none."""
        while (event := self.next()) != END:
            if all(event.job[name] == value for name, value in stands.items()):
                return event
        return END

    def rest(self):
        """All events until the end."""
        return list(iter(self.next, END))

    def close(self):
        if self._connection.sock:
            with contextlib.suppress(OSError):  # gone already
                self._connection.sock.shutdown(socket.SHUT_RDWR)  # closed, it would be read from all the same
        self._connection.close()


class Web:
    """A uvicorn of our own on the tests' database, started as in production."""

    def __init__(self, process, url):
        self.process = process
        self.url = url
        self.pid = process.pid

    def hear(self, token, path="/videos/jobs/events", **headers):
        return contextlib.closing(Ear(self.url, token, path, **headers))

    def head(self, token, path):
        """Return status, headers and body."""
        address = parse.urlsplit(self.url)
        with contextlib.closing(
            http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)
        ) as client:
            client.request("HEAD", path, headers={"Authorization": f"Bearer {token}"})
            response = client.getresponse()
            return response.status, response.headers, response.read()

    def get(self, token, path, **headers):
        """Return status, headers and body as text; and how long it took."""
        return self.ask(token, path, **headers)()

    def ask(self, token, path, **headers):
        """Send what `get` does; return what waits for the answer, and returns it."""
        address = parse.urlsplit(self.url)
        client = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE + 60)
        began = time.monotonic()
        client.request("GET", path, headers={"Authorization": f"Bearer {token}", **headers})

        def answer():
            with contextlib.closing(client):
                response = client.getresponse()
                body = response.read().decode()
                return response.status, response.headers, body, time.monotonic() - began

        return answer

    def threads(self):
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def stop(self):
        """Send SIGTERM, and return when it is gone."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


class Held:
    """A request that the server answers when it sees fit: sent now, its answer read in a thread."""

    def __init__(self, web, token, path, **headers):
        self._answer = queue.SimpleQueue()
        read = web.ask(token, path, **headers)
        threading.Thread(target=lambda: self._answer.put(read()), daemon=True).start()

    def answer(self):
        """Return what `Web.get` does, when it has come."""
        return self._answer.get(timeout=2 * PATIENCE)

    @property
    def is_answered(self):
        return not self._answer.empty()


@contextlib.contextmanager
def web(folder, **environment):
    """Serve until the end of the block, on a free port."""
    command = [sys.executable, "-m", "uvicorn", "videoapi.asgi:application", "--port", "0", "--no-access-log"]
    process = subprocess.Popen(
        [*command, "--timeout-graceful-shutdown", "25"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "videoapi.settings",
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(folder),
            "LOG_LEVEL": "WARNING",
            **environment,
        },
    )
    lines = []
    found = queue.SimpleQueue()

    def read():
        with process.stderr:
            for line in process.stderr:
                lines.append(line)
                if "running on http" in line:
                    found.put(line.split("running on ")[1].split()[0])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        served = Web(process, found.get(timeout=PATIENCE))
        served.lines = lines
        yield served
    finally:
        process.terminate()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        print("".join(lines))
