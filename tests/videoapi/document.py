"""Reads VIDEO_API_DOCUMENTATION.md: its fenced blocks, its examples (request and response), its tables."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "VIDEO_API_DOCUMENTATION.md"
TEXT = PATH.read_text()
_BLOCK = re.compile(
    r"(?:<!-- given: (?P<given>.+?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_ORIGIN = "http://localhost:8000"


@dataclasses.dataclass(frozen=True)
class Block:
    language: str
    text: str
    given: str
    line: int

    @property
    def is_response(self):
        return self.language == "http" and self.text.startswith("HTTP/1.1 ")

    @property
    def is_request(self):
        return (self.language == "http" and not self.is_response) or self.text.startswith("curl ")


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: str = ""
    form: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    phrase: str
    headers: dict
    body: object


@dataclasses.dataclass(frozen=True)
class Example:
    given: str
    line: int
    request: Request
    response: Response


def blocks():
    return [
        Block(found["language"], found["text"], found["given"] or "", TEXT.count("\n", 0, found.start()) + 1)
        for found in _BLOCK.finditer(TEXT)
    ]


def examples():
    """Every request with the response that follows it."""
    found = blocks()
    return [
        Example(block.given, block.line, request(block), response(after))
        for block, after in zip(found, [*found[1:], None], strict=True)
        if block.is_request
    ]


def request(block):
    if block.text.startswith("curl "):
        return _curl(shlex.split(block.text))
    start, headers, body = _message(block.text)
    method, path = start.split(" ")
    return Request(method, path, headers, body)


def response(block):
    assert block is not None
    assert block.is_response, f"no response follows, in line {block.line}"
    start, headers, body = _message(block.text)
    _, status, phrase = start.split(" ", 2)
    return Response(
        int(status), phrase, headers, read(headers.get("Content-Type", ""), body) if body else None
    )


def read(media_type, body):
    """What a body says: JSON, or the blocks of an event stream."""
    if media_type != "text/event-stream":
        return json.loads(body)
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in body.strip().split("\n\n")
    ]
    return [block | {"data": json.loads(block["data"])} if "data" in block else block for block in blocks]


def section(heading):
    """The text under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    begin = TEXT.index(f"\n{heading}\n") + len(heading) + 2
    end = re.search(rf"^#{{1,{level}}} ", TEXT[begin:], re.M)
    return TEXT[begin : begin + end.start() if end else None]


def rows(heading):
    """The cells of every table row in a section, without head and rule."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [index for index, row in enumerate(cells) if set("".join(row)) <= set("-")]
    heads = {index - 1 for index in rules} | set(rules)
    return [row for index, row in enumerate(cells) if index not in heads]


def _message(text):
    head, _, body = text.partition("\n\n")
    start, *lines = head.splitlines()
    return start, dict(line.split(": ", 1) for line in lines), body.strip()


def _curl(words):
    """Read the options of curl that this document uses; any other is a mistake in it."""
    made = Request("GET", "", {})
    words = iter(words[1:])
    for word in words:
        if word == "-s":
            continue
        if word == "-H":
            name, value = next(words).split(": ", 1)
            made.headers[name] = value
        elif word == "--json":
            made.method, made.body = "POST", next(words)
            made.headers["Content-Type"] = "application/json"
        elif word == "-F":
            name, value = next(words).split("=", 1)
            made.method, made.form = "POST", {**made.form, name: value}
        else:
            assert word.startswith(_ORIGIN), word
            made.path = word.removeprefix(_ORIGIN)
    return made
