"""What every stand-in has in common: works that go on by the clock, and words in the prompt that say how.

| word | what happens |
|---|---|
| `[refuse]` | the submit is answered with a 4xx |
| `[moderate]` | the submit is refused by the content rules |
| `[busy]` | the first two submits of this prompt are answered 429, with `Retry-After` |
| `[broken]` | the work is taken, and the submit answered 500 |
| `[lost]` | the work is taken, and the connection closed without an answer |
| `[fail]` | it ends as a failure |
| `[flag]` | it ends as a failure of the content rules |
| `[empty]` | it is done, and there is no video |
| `[strange]` | in between its status is a word nobody has heard of |
| `[stutter]` | every other poll is answered 503 |
| `[drip]` | the file comes slowly |
| `[expired]` | the first address of the file is answered 403 |
| `[deleted]` | the file is gone for good |
| `[text]` | the file is no video |
| `[ages]` | it never ends |
"""

import asyncio
import dataclasses
import functools
import io
import re
import time
import uuid
from typing import Any

import av
import numpy as np

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.server import Answer, Asked, Drop, Server

WORDS = re.compile(r"\[([a-z]+)\]")
SOON = 0.1  # seconds
DOWNLOAD = re.compile(r"^/files/|/content$|:download$")


@dataclasses.dataclass
class Work:
    """One thing that was submitted. Times are by the monotonic clock, in seconds."""

    id: str
    prompt: str
    asked: dict[str, Any]
    headers: dict[str, str]
    image: bytes | None
    seconds_of_video: float
    takes: float
    since: float = dataclasses.field(default_factory=time.monotonic)
    polls: int = 0
    fetches: int = 0
    is_cancelled: bool = False

    @property
    def words(self) -> set[str]:
        return set(WORDS.findall(self.prompt))

    @property
    def share(self) -> float:
        if "ages" in self.words:
            return 0.5
        return min((time.monotonic() - self.since) / self.takes, 1.0) if self.takes else 1.0

    @property
    def stage(self) -> str:
        """`queued`, `running`, `strange`, `done`, `empty`, `failed`, `flagged` or `cancelled`."""
        if self.is_cancelled:
            return "cancelled"
        if self.share < 1.0:
            if "strange" in self.words:
                return "strange"
            return "queued" if self.share < 0.3 else "running"
        endings = {"fail": "failed", "flag": "flagged", "empty": "empty"}
        return next((end for word, end in endings.items() if word in self.words), "done")


class StandIn(Server):
    """A provider. `takes` is how long a work takes, in seconds, unless a test ends it before; `key` is what
    callers must show.

    It sends webhooks to the server at `hears`, if there is one, when a work `ends` and, where the protocol
    does so, when it `begins`; when it `lies` it says at the beginning that the work has failed.
    """

    key = "a-secret-key"
    calls_when: tuple[str, ...] = ("ends",)
    hears = ""
    webhook_secret = calls.secret()

    def __init__(self, *, takes: float = 0.3) -> None:
        super().__init__()
        self.takes = takes
        self.works: dict[str, Work] = {}
        self.refused: dict[str, int] = {}
        self.is_ill = False  # then every answer is 503
        self.told: list[int] = []  # what webhooks were answered
        self.telling: set[asyncio.Task[None]] = set()

    # what a protocol says for itself
    def refusal(self, status: int, code: str, message: str) -> Answer:
        """An error answer in the protocol's own words."""
        return Answer(status, {"error": {"message": message, "type": "invalid_request_error", "code": code}})

    def is_let_in(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {self.key}"

    def address(self, asked: Asked) -> str:
        """Where a submission asks to be told, "" if nowhere."""
        return ""

    def webhook(self, work: "Work") -> calls.Sent:
        """What it is told of a work, signed."""
        raise NotImplementedError

    def end_works(self) -> None:
        """Have all works be done by now, and those that are still to come soon. No answer lies half-way."""
        self._call(self._end_works())

    async def _end_works(self) -> None:
        self.takes = SOON
        for work in self.works.values():
            work.since -= work.takes

    async def _tell(self, address: str, work: "Work", when: str) -> None:
        # Whoever asks about a work has noted its id: some calls have nothing else to tell it by.
        while not work.polls or (when == "ends" and work.share < 1.0):
            await asyncio.sleep(0.02)
        lie = dataclasses.replace(work, prompt=f"{work.prompt} [fail]", takes=0)
        sent = self.webhook(lie if when == "lies" else work)
        self.told.append(await asyncio.to_thread(calls.post, address, self.hears, sent))

    def answer(self, asked: Asked) -> Answer:
        if self.is_ill:
            self.asked.append((asked.method, asked.path))
            return Answer(503, b"<html>Service Unavailable</html>")
        if not asked.path.startswith("/files/") and not self.is_let_in(asked):
            return self.refusal(401, "invalid_api_key", "Incorrect API key provided.")
        return super().answer(asked)

    def take(
        self, asked: Asked, *, prompt: str, seconds: float, image: bytes | None, fields: dict[str, Any]
    ) -> Work | Answer:
        """Take a submission as its prompt says; an answer is a refusal. Raise Drop."""
        words = set(WORDS.findall(prompt))
        if "refuse" in words:
            return self.refusal(400, "invalid_value", "The value of 'size' is not supported.")
        if "moderate" in words:
            return self.refusal(
                400, "moderation_blocked", "Your request was blocked by our moderation system."
            )
        if "busy" in words and self.refused.get(prompt, 0) < 2:
            self.refused[prompt] = self.refused.get(prompt, 0) + 1
            busy = self.refusal(429, "rate_limit_exceeded", "Slow down.")
            return dataclasses.replace(busy, headers={**busy.headers, "retry-after": "1"})
        work = Work(
            id=self.new_id(),
            prompt=prompt,
            asked=fields,
            headers=asked.headers,
            image=image,
            seconds_of_video=seconds,
            takes=self.takes,
        )
        self.works[work.id] = work
        if self.hears and (address := self.address(asked)):
            for when in self.calls_when:
                self.telling.add(self._loop.create_task(self._tell(address, work, when)))
        if "broken" in words:
            return self.refusal(500, "server_error", "The server had an error.")
        if "lost" in words:
            raise Drop
        return work

    def is_download(self, asked: Asked) -> bool:
        """Return whether a request is for the bytes of a video."""
        return asked.method == "GET" and bool(DOWNLOAD.search(asked.path))

    def new_id(self) -> str:
        return f"work_{uuid.uuid4().hex}"

    def polled(self, work_id: str) -> Work | Answer:
        """Return the work that is asked about, or an error."""
        work = self.works.get(work_id)
        if work is None:
            return self.refusal(404, "not_found", "There is no such work.")
        work.polls += 1
        if "stutter" in work.words and work.polls % 2:
            return self.refusal(503, "server_error", "Try again.")
        return work

    def submits_of(self, prompt: str) -> int:
        """Return how often a prompt was taken: what the operator pays for."""
        return sum(work.prompt == prompt for work in self.works.values())

    def file(self, work: Work) -> Answer:
        """The bytes of a finished video."""
        work.fetches += 1
        if "deleted" in work.words or ("expired" in work.words and work.fetches == 1):
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        body = b"This is no video." if "text" in work.words else video(work.seconds_of_video)
        return Answer(200, body, {"content-type": "video/mp4"}, drip=0.01 if "drip" in work.words else 0.0)


@functools.cache
def video(seconds: float, width: int = 160, height: int = 90, rate: int = 24) -> bytes:
    """Return a real MP4 of that length."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(round(seconds * rate)):
            picture = np.full((height, width, 3), (index * 3) % 255, np.uint8)
            picture[:, : width // 2, 0] = 200
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return target.getvalue()
