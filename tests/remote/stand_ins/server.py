"""A small HTTP server that can also do what no framework lets one do: drop a connection, drip, lie."""

import asyncio
import contextlib
import dataclasses
import email.parser
import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11

from tests import ports


@dataclasses.dataclass
class Asked:
    """A request as a handler sees it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("multipart/")

    def form(self) -> dict[str, Any]:
        """Return the parts of a multipart body: texts, and bytes where a part is a file."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        found = {}
        for part in email.parser.BytesParser().parsebytes(head + self.content).get_payload():
            content = part.get_payload(decode=True)
            name = part.get_param("name", header="content-disposition")
            found[name] = content if part.get_filename() else content.decode()
        return found


@dataclasses.dataclass
class Answer:
    """What is sent back; a body that is no bytes is sent as JSON. `drip` seconds lie between its pieces."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    drip: float = 0.0


class Drop(Exception):
    """Close the connection without an answer."""


class Hold:
    """Requests that are held up: `before` they are read by a handler, or before they are answered."""

    def __init__(self, when: Callable[["Asked"], bool], *, before: bool) -> None:
        self.when, self.before = when, before
        self.reached, self.released = threading.Event(), threading.Event()
        self.is_dropping = False

    def release(self) -> None:
        """Let them go on."""
        self.released.set()

    def drop(self) -> None:
        """Close their connections instead, unread or unanswered."""
        self.is_dropping = True
        self.released.set()

    async def stop(self, asked: "Asked", *, before: bool) -> None:
        """Wait here if this one is held. Raise Drop."""
        if self.before == before and not self.released.is_set() and self.when(asked):
            self.reached.set()
            while not self.released.is_set():
                await asyncio.sleep(0.01)
            if self.is_dropping:
                raise Drop


class Server:
    """Serves `routes` on 127.0.0.1 from a thread of its own; use it as a context manager.

    A route is (method, pattern of the path, handler); named groups of the pattern are the handler's keyword
    arguments. Handlers run in the server's thread, one at a time.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.is_down = False  # then connections are closed at once
        self.holds: list[Hold] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._holder = ports.hold()  # from the beginning to the end, listening or not
        self.port = ports.port_of(self._holder)

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        raise NotImplementedError

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *error: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._holder.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=2048)

    async def _stop(self) -> None:
        await self._stop_accepting()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # A webhook that is being sent ends before the server does.
        await self._loop.shutdown_default_executor()

    async def _stop_accepting(self) -> None:
        """Close the listening socket. What was accepted just before is made a connection first, of which
        asyncio would lose hold: a server that is closed takes none, and the socket would stay open.
        """
        for listening in self._server.sockets:
            self._loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()

    def hold(self, when: Callable[[Asked], bool], *, before: bool = False) -> Hold:
        """Hold up every request for which `when` is true, until the hold is released."""
        self.holds.append(Hold(when, before=before))
        return self.holds[-1]

    async def _stop_at_holds(self, asked: Asked, *, before: bool) -> None:
        for hold in self.holds:
            await hold.stop(asked, before=before)

    def stop_listening(self) -> None:
        """Refuse connections from now on, as a server does that is not there."""
        self.is_down = True
        self._call(self._stop_accepting())

    def listen_again(self) -> None:
        self.is_down = False
        self._call(self._start())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, h11.RemoteProtocolError, asyncio.CancelledError):
            connection = h11.Connection(h11.SERVER)
            while not self.is_down and (asked := await _read(connection, reader)):
                try:
                    await self._stop_at_holds(asked, before=True)
                    answer = self.answer(asked)
                    await self._stop_at_holds(asked, before=False)
                except Drop:
                    writer.transport.abort()
                    return
                await _send(connection, writer, answer)
                if connection.our_state is h11.MUST_CLOSE:
                    break
                connection.start_next_cycle()
        writer.close()

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request."""
        self.asked.append((asked.method, asked.path))
        for method, pattern, handler in self.routes():
            if method == asked.method and (match := re.fullmatch(pattern, asked.path)):
                return handler(asked, **match.groupdict())
        return Answer(404, {"error": {"message": "There is no such path.", "code": "not_found"}})


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Asked | None:
    head, content = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65536)
            if not data and head is None:
                return None
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            content += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            break
        else:  # the other side has closed
            return None
    address = urlsplit(head.target.decode())
    query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
    headers = {name.decode().lower(): value.decode() for name, value in head.headers}
    return Asked(head.method.decode(), address.path, query, headers, content)


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
    is_json = not isinstance(answer.body, bytes)
    body = json.dumps(answer.body).encode() if is_json else answer.body
    headers = {"content-length": str(len(body)), **answer.headers}
    if is_json:
        headers.setdefault("content-type", "application/json")
    writer.write(connection.send(h11.Response(status_code=answer.status, headers=list(headers.items()))))
    size = 256 if answer.drip else 65536
    for start in range(0, len(body), size):
        writer.write(connection.send(h11.Data(data=body[start : start + size])))
        await writer.drain()
        if answer.drip:
            await asyncio.sleep(answer.drip)
    writer.write(connection.send(h11.EndOfMessage()))
    await writer.drain()
