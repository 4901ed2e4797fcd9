"""A server that answers as a test tells it to, and remembers what it was asked."""

import contextlib
import dataclasses
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator

JOB_ID = "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77"
RESULT = {"success": True, "job_id": JOB_ID, "status": "completed", "video": {"id": "one"}}
RECEIPT = {"success": True, "job_id": JOB_ID, "status": "queued", "cost": 10, "balance": 90}


@dataclasses.dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: str
    headers: dict
    body: bytes
    at: float


@dataclasses.dataclass(frozen=True)
class Reply:
    """`pieces` are written one by one; then the connection is `held` open or not. No status: dropped."""

    status: int | None = None
    pieces: tuple[bytes, ...] = ()
    headers: dict = dataclasses.field(default_factory=dict)
    held: bool = False


@dataclasses.dataclass(frozen=True)
class Stub:
    url: str
    asked: list[Asked]

    def to(self, end: str) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith(end)]


@contextlib.contextmanager
def stub(answer: Callable[[Asked], Reply]) -> Iterator[Stub]:
    asked, ended = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Asked(self.command, path, query, headers, body, time.monotonic())
            asked.append(one)
            reply = answer(one)
            if reply.status is None:
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client has gone
                for piece in reply.pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
            if reply.held:
                ended.wait(60)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as the library calls them

        def log_message(self, *arguments):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 50

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Stub(f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            ended.set()
            server.shutdown()
            thread.join(30)


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    """Give these replies one after the other, and the last one from then on."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def answer(status: int, body: object, **headers: str) -> Reply:
    shown = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Reply(status, (json.dumps(body).encode(),), shown)


def problem(status: int, code: str, extra: dict | None = None, **headers: str) -> Reply:
    body = {"success": False, "error": f"It is {code}.", "error_code": code, "request_id": "request-1"}
    return answer(status, body | (extra or {}), **headers)


DROP = Reply()


def say(*pieces: str | bytes, held: bool = True) -> Reply:
    """Begin a stream and say this; then leave it open, or break off."""
    told = tuple(piece if isinstance(piece, bytes) else piece.encode() for piece in pieces)
    return Reply(200, told, {"Content-Type": "text/event-stream"}, held)


def status(name: str, progress: float = 0.0, **more: object) -> dict:
    dust = "refunded" if name == "failed" else "charged"
    info = {"current_step": "Rendering ☀"}
    body = {"success": True, "job_id": JOB_ID, "status": name, "progress": progress}
    return {**body, "dust": dust, "generation_info": info, **more}


def event(job: dict, number: int) -> str:
    return f"event: job\nid: {number}\ndata: {json.dumps(job, ensure_ascii=False)}\n\n"


def job(*, events: Callable[[Asked], Reply] | None = None, polls: Callable[[Asked], Reply] | None = None):
    """Answers of one job: its events (404 if none are given), its status, its result."""
    events = events or in_turn(problem(404, "not_found"))
    polls = polls or in_turn(answer(200, status("completed", 1.0)))

    def choose(asked: Asked) -> Reply:
        if asked.path.endswith("/events"):
            return events(asked)
        return polls(asked) if asked.path.endswith("/status") else answer(200, RESULT)

    return choose
