"""Reads JSON as it comes, past the longest of its texts: pictures that a provider tells us again."""

import re

LONGEST_TEXT = 16 * 1024  # bytes; ids, addresses and prompts are shorter
MARK = re.compile(rb'["\\]')


class Abridged:
    """Takes JSON in pieces; `content` gets it, with "" for each text that is too long."""

    def __init__(self, content: bytearray) -> None:
        self.content = content
        self._began: int | None = None  # where the text that is being read begins in the content
        self._is_escaped = self._is_too_long = False

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        at = 0
        while at < len(piece):
            at = self._outside(piece, at) if self._began is None else self._inside(piece, at)

    def _outside(self, piece: bytes, at: int) -> int:
        """Keep what comes before the next text, and its quotation mark; return where that ends."""
        mark = piece.find(b'"', at)
        end = mark + 1 if mark >= 0 else len(piece)
        self.content += piece[at:end]
        self._began = len(self.content) if mark >= 0 else None
        return end

    def _inside(self, piece: bytes, at: int) -> int:
        """Take the text as far as its next mark; return where that ends."""
        if self._is_escaped:
            self._is_escaped = False
            self._take(piece[at : at + 1])
            return at + 1
        mark = MARK.search(piece, at)
        self._take(piece[at : mark.start() if mark else len(piece)])
        if mark is None:
            return len(piece)
        if mark[0] == b"\\":
            self._is_escaped = True
            self._take(mark[0])
        else:
            self.content += mark[0]
            self._began, self._is_too_long = None, False
        return mark.end()

    def _take(self, part: bytes) -> None:
        if self._is_too_long:
            return
        self.content += part
        if len(self.content) - (self._began or 0) > LONGEST_TEXT:
            del self.content[self._began :]
            self._is_too_long = True
