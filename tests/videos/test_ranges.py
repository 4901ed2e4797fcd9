"""What each Range header means for a file of 1000 bytes."""

import pytest

from videos import ranges
from videos.ranges import RangeNotSatisfiable, Span

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-1", 0, 2),  # how Safari asks whether ranges work at all
        ("bytes=0-", 0, 1000),
        ("bytes=0-999", 0, 1000),
        ("bytes=0-1000", 0, 1000),
        ("bytes=0-999999999999999999", 0, 1000),
        ("bytes=500-599", 500, 100),
        ("bytes=999-", 999, 1),
        ("bytes=999-999", 999, 1),
        ("bytes=-1", 999, 1),
        ("bytes=-1000", 0, 1000),
        ("bytes=-1001", 0, 1000),
        ("bytes=007-008", 7, 2),
        ("BYTES=1-2", 1, 2),
        (" bytes=1-2 ", 1, 2),
    ],
)
def test_one_range_is_served(header, start, length):
    assert ranges.parse(header, SIZE) == Span(start, length, SIZE)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=2-1",
        "bytes=-1-2",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=1.0-2",
        "bytes=0x1-0x2",
        "bytes=1 - 2",
        "bytes=0-0,5-9",
        "bytes=0-0, -1",
        "seconds=1-2",
        "bytes:1-2",
        "bytes=٣-٤",
        "bytes=0-" + "9" * 5000,
    ],
)
def test_anything_else_is_ignored(header):
    assert ranges.parse(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-1001", "bytes=999999-", "bytes=-0"])
def test_a_range_past_the_end_is_not_satisfiable(header):
    with pytest.raises(RangeNotSatisfiable) as raised:
        ranges.parse(header, SIZE)
    assert raised.value.headers == {"Content-Range": "bytes */1000"}


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_satisfies_no_range(header):
    with pytest.raises(RangeNotSatisfiable):
        ranges.parse(header, 0)


def test_content_range_counts_from_nought_to_the_last_byte():
    assert Span(500, 100, 1000).content_range == "bytes 500-599/1000"
