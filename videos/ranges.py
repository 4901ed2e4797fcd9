"""The `Range` header of a request (RFC 9110, section 14), for one range of bytes."""

import dataclasses
import re

from rest_framework.exceptions import APIException

# No file has more digits in its size, and int() refuses thousands of them.
_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class RangeNotSatisfiable(APIException):
    """The range begins past the end of the file."""

    status_code = 416
    default_detail = "The range asked for lies past the end of the file."
    default_code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.headers = {"Content-Range": f"bytes */{size}"}


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes from `start` of a file of `size` bytes."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def parse(header: str, size: int) -> Span | None:
    """Return the one range asked for, or None for anything else, which is answered with the whole file.

    That holds for malformed headers, other units, and several ranges at once: a server may ignore those,
    and no player sends them. Raise RangeNotSatisfiable.
    """
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match.groups()
    if not first:
        return _suffix(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiable(size)
    end = min(int(last) + 1, size) if last else size
    return Span(int(first), end - int(first), size)


def _suffix(length: int, size: int) -> Span:
    if min(length, size) == 0:
        raise RangeNotSatisfiable(size)
    length = min(length, size)
    return Span(size - length, length, size)
