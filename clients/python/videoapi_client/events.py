"""Reads `text/event-stream`, as the HTML standard describes it (9.2.6)."""

import codecs
import dataclasses
import re

LONGEST_LINE = 1024 * 1024  # characters
# A carriage return at the end may be the first half of a line's end.
_END = re.compile(r"\r\n|\n|\r(?!\Z)")


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is its own, or that of the last one that had one."""

    event: str
    data: str
    id: str


class EventParser:
    """Cuts bytes that arrive in pieces into lines, and lines into events.

    `retry` is how many seconds the server asks for before reconnecting, None if it did not.
    """

    def __init__(self) -> None:
        self.retry: float | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._event = ""
        self._data: list[str] = []
        self._id = ""

    def push(self, piece: bytes) -> list[Event]:
        """Return the events that this piece completes. Raise ValueError if a line is too long."""
        self._rest += self._decoder.decode(piece)
        found = []
        while end := _END.search(self._rest):
            line, self._rest = self._rest[: end.start()], self._rest[end.end() :]
            if event := self._line(line):
                found.append(event)
        if len(self._rest) > LONGEST_LINE:
            raise ValueError("A line of the stream is too long.")
        return found

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._event = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None  # and a comment, which begins with a colon, is only a sign of life

    def _dispatch(self) -> Event | None:
        event = Event(self._event or "message", "\n".join(self._data), self._id)
        has_data = bool(self._data)
        self._event, self._data = "", []
        return event if has_data else None
