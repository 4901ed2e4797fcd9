"""Bodies that are too large: refused as they arrive, with an answer the client really gets to read."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.asgi import get_asgi_application

from videoapi.body_limit import BodyLimit

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 2 * 1024 * 1024
CLIENT_WAITS = 60  # seconds for its answer


def drive(messages, *, headers=(), limit=LIMIT, app=None, path="/nowhere"):
    """Send one request through the limit to Django; return status, headers, body and what Django heard."""
    sent, told, waiting = [], [], list(messages)

    async def receive():
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(CLIENT_WAITS)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def inner(scope, receive, send):
        async def listen():
            message = await receive()
            told.append(message["type"])
            return message

        await (app or get_asgi_application())(scope, listen, send)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"\xff",
        "headers": [(b"host", b"testserver"), *headers],
    }
    asyncio.run(BodyLimit(inner, max_bytes=limit)(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    answer = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    assert sent[-1].get("more_body", False) is False
    return sent[0]["status"], answer, body, told


def part(size, more=True):
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_declared_length_over_the_limit_is_refused_before_django_sees_it():
    headers = [(b"content-length", str(LIMIT + 1).encode())]
    status, answer, _, told = drive([part(LIMIT + 1, more=False)], headers=headers)
    assert status == 413
    assert told == []
    assert answer["connection"] == "close"


def test_the_refusal_is_a_problem_like_any_other():
    headers = [(b"content-length", str(LIMIT + 1).encode()), (b"x-request-id", b"the-callers-own")]
    status, answer, body, _ = drive([part(1, more=False)], headers=headers)
    problem = json.loads(body)
    assert answer["content-type"] == "application/problem+json"
    assert answer["x-request-id"] == problem["request_id"] == "the-callers-own"
    assert answer["cache-control"] == "no-store"
    assert int(answer["content-length"]) == len(body)
    assert problem == {
        "type": "about:blank",
        "title": problem["title"],
        "status": status,
        "detail": problem["error"],
        "instance": "/nowhere",
        "success": False,
        "error": "The request body is too large: at most 2 MiB are read.",
        "error_code": "payload_too_large",
        "request_id": "the-callers-own",
    }


def test_a_request_id_is_made_where_the_caller_sent_none():
    _, answer, body, _ = drive([part(1, more=False)], headers=[(b"content-length", b"99999999")])
    assert len(answer["x-request-id"]) == 32
    assert json.loads(body)["request_id"] == answer["x-request-id"]


def test_a_chunked_body_is_cut_where_it_grows_too_long():
    status, _, body, told = drive([part(LIMIT), part(1), part(1), part(1, more=False)])
    assert status == 413
    assert json.loads(body)["error_code"] == "payload_too_large"
    assert told == ["http.request", "http.disconnect"]


def test_a_last_chunk_that_is_too_long_is_answered_without_waiting():
    began = time.monotonic()
    assert drive([part(LIMIT), part(1, more=False)])[0] == 413
    assert time.monotonic() - began < CLIENT_WAITS


def test_a_length_that_was_a_lie_is_counted_too():
    headers = [(b"content-length", b"10")]
    assert drive([part(LIMIT + 1, more=False)], headers=headers)[0] == 413


@pytest.mark.parametrize("declared", [b"", b"-1", b"ten", b"1e9", b"\xb2"])
def test_a_length_that_is_no_number_is_counted(declared):
    headers = [(b"content-length", declared)]
    assert drive([part(LIMIT + 1, more=False)], headers=headers)[0] == 413


def test_a_body_of_exactly_the_limit_passes():
    async def app(scope, receive, send):
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    headers = [(b"content-length", str(LIMIT).encode())]
    status, _, body, _ = drive([part(LIMIT - 1), part(1, more=False)], headers=headers, app=app)
    assert (status, body) == (200, str(LIMIT).encode())


def test_a_client_that_left_is_not_answered():
    async def leaving():
        answers = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            answers.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
        await BodyLimit(get_asgi_application(), max_bytes=LIMIT)(scope, receive, send)
        return answers

    assert asyncio.run(leaving()) == []


# --- a real server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The whole application under uvicorn, on a socket of ours: no port to lose to someone else."""
    log = tmp_path_factory.mktemp("uvicorn") / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "videoapi.asgi:application", "--fd", str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )
        try:
            while "startup complete" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield listener.getsockname()
        finally:
            process.terminate()
            process.wait(timeout=20)


def exchange(address, head, body):
    """Send `head`, then `body` blindly as slow clients do; return all that comes back, or fail on a reset."""
    received = bytearray()
    with socket.create_connection(address, timeout=30) as connection:

        def send():
            try:
                connection.sendall(head)
                for piece in body:
                    connection.sendall(piece)
            except ConnectionError:
                return

        sender = threading.Thread(target=send)
        sender.start()
        while data := connection.recv(65536):
            received += data
        sender.join()
    return bytes(received)


@pytest.mark.slow
def test_a_client_that_sends_blindly_still_reads_its_413(server):
    size = 40 * 1024 * 1024
    head = f"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()
    answer = exchange(server, head, [b"x" * 65536] * (size // 65536))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"error_code": "payload_too_large"' in answer


@pytest.mark.slow
def test_chunks_without_end_are_cut(server):
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = exchange(server, head, (chunk for _ in range(640)))
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_a_client_that_asks_first_sends_nothing(server):
    head = (
        b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(server, timeout=30) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_smaller_bodies_reach_the_application(server):
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    answer = exchange(server, head, [b"hello"])
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"error_code": "not_found"' in answer
