"""A user's server that messages are posted to: what it heard, and how it answers."""

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

PATIENCE = 60.0  # seconds, for what a busy machine takes its time for


@dataclasses.dataclass(frozen=True)
class Heard:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    text: str
    at: float

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def body(self):
        return json.loads(self.text)

    @property
    def type(self):
        return self.body["type"]

    @property
    def job(self):
        return self.body["data"].get("job_id")

    def verify(self, secret):
        """Return the message if it is signed with this secret, by the official library."""
        return Webhook(secret).verify(self.text, self.headers)


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b"ok"


class Listener:
    """Listens on this machine until the end of the block. `answer` is called with each request."""

    def __init__(self, answer: Callable[[Heard], Reply | int] = lambda heard: 200) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path="/hook"):
        return f"http://{self.host}{path}"

    def types(self, job_id=None):
        return [heard.type for heard in self.heard if job_id in (None, heard.job)]

    def wait_for(self, number):
        """Wait until so many requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= number, PATIENCE), self.types()

    def _note(self, heard):
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()

    def _handler(listener):  # noqa: N805 - the handler's own `self` is another one
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.path, headers, self.rfile.read(size).decode(), time.monotonic())
                listener._note(heard)
                reply = listener.answer(heard)
                reply = Reply(reply) if isinstance(reply, int) else reply
                with contextlib.suppress(OSError):  # whoever asked has had enough
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)

            def do_GET(self):
                listener._note(Heard(self.path, {}, '{"type": "GET"}', time.monotonic()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        return Handler


def eventually(condition, patience=PATIENCE):
    """Wait until `condition()` is true, and return it."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)
    return found
