"""Answers that take long: what a view leaves to be done once Django is through with its request.

Django keeps a thread, and what the view had open, for as long as an answer lasts. So a view that wants to
wait says so here and returns. Django ends the request as any other; then the event loop alone goes on with
the body, or waits and has the same request answered anew.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

KEY = "videoapi.later"


class Work(Protocol):
    """What goes on after the answer; all of it is called in the event loop."""

    def end(self) -> None:
        """Come to an end soon: the process is to stop."""


class Stream(Work, Protocol):
    """More of the body."""

    @property
    def longest(self) -> float:
        """Seconds until it is given up, however slowly the client reads."""

    def parts(self) -> AsyncGenerator[bytes, None]:
        """Give it, part by part."""


class Pause(Work, Protocol):
    """A time in which nothing is answered."""

    async def wait(self) -> None:
        """Return when the request is to be answered, by the same view."""


class Later:
    """One request's note of what is left to do."""

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self.pause: Pause | None = None
        self.was_paused = False
        self._lock = threading.Lock()
        self._is_closed = False
        self._at_the_end = contextlib.ExitStack()

    def keep(self, something: contextlib.AbstractContextManager[Any]) -> None:
        """Hold something until the answer is over, however it ends."""
        with self._lock:
            if not self._is_closed:  # the client may have left while the view, in its thread, was at work
                self._at_the_end.enter_context(something)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._at_the_end.close()


def of(request: Any) -> Later | None:
    """Return where to leave what is to be done later; None where nothing can be left (no ASGI, a HEAD)."""
    scope = getattr(request, "scope", None) or {}
    return scope.get(KEY) if request.method == "GET" else None


class Afterwards:
    """An ASGI application around Django's, `app`, that does what is left to do."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._at_work: dict[asyncio.Task[None], Work] = {}
        self._watched: asyncio.AbstractEventLoop | None = None
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        later = Later()
        with contextlib.closing(later):
            answer = _Answer(later, send)
            await self.app({**scope, KEY: later}, receive, answer.send)
            if later.stream and answer.is_open:
                await self._do(later.stream, _send_all(later.stream, send), receive)
            elif later.pause:
                pause, later.pause, later.was_paused = later.pause, None, True
                if await self._do(pause, pause.wait(), receive):
                    await self.app({**scope, KEY: later}, _again(receive), send)

    async def _do(self, work: Work, steps: Coroutine[Any, Any, None], receive: Receive) -> bool:
        """Do the work unless the client goes away. Return whether it was done."""
        self._watch()
        task, gone = asyncio.create_task(steps), asyncio.create_task(_gone(receive))
        self._at_work[task] = work
        if self._is_stopping:
            work.end()
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not task.cancelled():
                task.result()
                return True
            return False
        finally:
            del self._at_work[task]
            task.cancel()
            gone.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    def _watch(self) -> None:
        """Have the work end when the process is told to stop.

        The server ends only what is idle then, and waits for the rest: nobody tells an open stream.
        """
        loop = asyncio.get_running_loop()
        if self._watched is loop or threading.current_thread() is not threading.main_thread():
            return
        self._watched, self._is_stopping = loop, False
        for number in (signal.SIGTERM, signal.SIGINT):
            if callable(before := signal.getsignal(number)):
                signal.signal(number, self._handler(loop, before))

    def _handler(self, loop: asyncio.AbstractEventLoop, before: Callable[..., Any]) -> Callable[..., Any]:
        def handle(*signalled: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._stop)
            before(*signalled)

        return handle

    def _stop(self) -> None:
        self._is_stopping = True
        for work in self._at_work.values():
            work.end()


class _Answer:
    """What Django sends: passed on, but not its end where the body goes on, and not at all before a pause."""

    def __init__(self, later: Later, send: Send) -> None:
        self._later = later
        self._send = send
        self.is_open = False

    async def send(self, message: Message) -> None:
        if self._later.pause:
            return
        if message["type"] == "http.response.start" and message["status"] != 200:
            self._later.stream = None  # a middleware has made something else of it
        if self._later.stream:
            message = self._without_an_end(message)
        await self._send(message)

    def _without_an_end(self, message: Message) -> Message:
        if message["type"] == "http.response.start":
            headers = [
                (name, value) for name, value in message["headers"] if name.lower() != b"content-length"
            ]
            return {**message, "headers": headers}
        self.is_open = not message.get("more_body", False)
        return {**message, "more_body": True}


async def _send_all(stream: Stream, send: Send) -> None:
    try:
        async with asyncio.timeout(stream.longest), contextlib.aclosing(stream.parts()) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except TimeoutError:
        # It reads nothing. We let go of it; the server closes the connection, but only when what is buffered
        # (64 KiB or so) has gone. How long that may take is for a proxy in front to say (`send_timeout`).
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _again(receive: Receive) -> Receive:
    """Return what gives the request once more, without the body, which was read."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive_again() -> Any:
        return messages.pop() if messages else await receive()

    return receive_again
