"""The seam for models that somebody else runs: what to ask, and what the answers mean. No I/O in here.

An adapter turns an order into a request, and an answer into one of a few meanings. The driver sends, waits,
limits and decides, so that what a lost reply means is settled in one place for every provider.
"""

import abc
import dataclasses
import datetime
import email.utils
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from jobs.providers.base import FailureCode

MILLION = 1_000_000
LONGEST_DETAIL = 1000
LONGEST_HINT = 600.0  # seconds; a provider that asks for a longer pause is asked again all the same
# How providers name what their content rules refused, in a code, a type or a message.
MODERATION = re.compile(
    r"moderat|content.?(policy|filter|rule|violation|blocked|rejected)|safety|nsfw|sensitive|prohibited"
    r"|flagged|\brai\b|responsible.?ai|policy.?violation|inappropriate|blacklist|usage.guidelines",
    re.IGNORECASE,
)
# How some say with a 400 what others say with a 402. Only at the beginning: later on a prompt may be quoted.
NO_CREDIT = re.compile(
    r"(you (do not|don't) have|not|in) ?(enough|sufficient) (credit|balance|fund)", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one model is reached: all that an adapter may know of the settings.

    `key` is the secret, `account` the name under which limits and costs are counted. `hosts` may be sent the
    key beside the host of `base_url`; a leading dot means every name below.
    """

    alias: str
    base_url: str
    model: str
    key: str = dataclasses.field(default="", repr=False)
    account: str = ""
    hosts: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def owns(self, url: str) -> bool:
        """Return whether the key may be sent to `url`: the same origin, or https to a host that is named."""
        ours, theirs = urlsplit(self.base_url), urlsplit(url)
        if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc):
            return True
        host = theirs.hostname or ""
        named = any(host == name or (name.startswith(".") and host.endswith(name)) for name in self.hosts)
        return named and theirs.scheme == "https" and "@" not in theirs.netloc


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a form."""

    name: str
    content_type: str
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. The body is `json`, or a form of `fields` and `files`, or none."""

    method: str
    url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    json: Any = dataclasses.field(default=None, repr=False)
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    files: Mapping[str, Attachment] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer. `headers` have small letters, `body` is parsed JSON (None if it is none)."""

    status: int
    headers: Mapping[str, str]
    body: Any = None
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One video to make. `key` names this submission: the same whenever it is spoken of.

    `width` and `height` are pixels; `image` (the first frame) and `portrait` (the reference person) are
    upright RGB JPEGs. `seed` is from 0 to 2**31 - 1.
    """

    key: uuid.UUID
    generation_type: str
    prompt: str
    width: int
    height: int
    resolution: str
    aspect_ratio: str
    duration_seconds: int
    seed: int
    camera_fixed: bool
    image: bytes | None = dataclasses.field(default=None, repr=False)
    portrait: bytes | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """What is known of a submission that was taken: the provider's id, and the addresses it gave for it."""

    key: uuid.UUID
    remote_id: str
    urls: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the operator pays, in millionths of a currency."""

    micros: int
    currency: str = "USD"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The provider has taken the work on."""

    remote_id: str
    urls: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Not done yet: `share` (0 to 1) and `step` where the provider tells, `poll_after` in seconds."""

    share: float | None = None
    step: str = ""
    poll_after: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Done: `video` is how to get the file."""

    video: Request
    cost: Cost | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """Ended without a video. `detail` is the provider's own words, for staff."""

    code: FailureCode
    detail: str
    cost: Cost | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Not to be told from this answer alone: one more question, and what reads its answer.

    With `any_status` it reads what is no 2xx too, and raises Unreadable where that tells nothing of the work.
    """

    request: Request
    read: "Callable[[Reply], Outcome]"
    any_status: bool = False


Outcome = Working | Made | NotMade | Ask


class Refused(Exception):
    """The provider has not taken the work, for certain.

    With `again` the same may be taken later, after `pause` seconds if it says so; `is_outage` tells that
    nobody's work would be taken now.
    """

    def __init__(
        self,
        code: FailureCode,
        detail: str,
        *,
        again: bool = False,
        pause: float | None = None,
        is_outage: bool = False,
    ) -> None:
        super().__init__(f"{code.value}: {detail}")
        self.code = code
        self.detail = detail
        self.again = again
        self.pause = pause
        self.is_outage = is_outage


class Unreadable(Exception):
    """An answer that does not say what its protocol has it say."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a protocol can carry beside a prompt; a model's entry in the settings may allow less."""

    seed: bool = False
    camera_fixed: bool = False
    reference_person: bool = False
    image_to_video: bool = True
    cancel: bool = False
    find: bool = False  # whether a submission whose reply was lost can be looked up


class RemoteProvider(abc.ABC):
    """An adapter for one protocol. Its methods do no I/O; they may raise Unreadable."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, route: Route) -> None:
        self.route = route

    @abc.abstractmethod
    def submit(self, order: Order) -> Request:
        """Return the one request that may cost money."""

    @abc.abstractmethod
    def taken(self, reply: Reply) -> Taken:
        """Read a 2xx answer to it."""

    @abc.abstractmethod
    def poll(self, handle: Handle) -> Request:
        """Return how to ask what became of it."""

    @abc.abstractmethod
    def outcome(self, handle: Handle, reply: Reply) -> Outcome:
        """Read a 2xx answer to that."""

    def refused(self, reply: Reply) -> Refused:
        """Read a 4xx answer to the submit."""
        return refusal(reply)

    def find(self, handle: Handle) -> Request | None:
        """Return how to look for a submission whose reply was lost; None: there is no way."""
        return None

    def found(self, handle: Handle, reply: Reply) -> Taken | None:
        """Read a 2xx answer to that; None: it is not there (yet)."""
        return None

    def cancel(self, handle: Handle) -> Request | None:
        """Return how to have the work stopped; None: there is no way."""
        return None

    def url(self, path: str) -> str:
        return f"{self.route.base_url.rstrip('/')}/{path.lstrip('/')}"


def refusal(reply: Reply, said: str = "") -> Refused:
    """Return the plain meaning of a 4xx answer, `said` being what names the reason."""
    said = said or words(reply)
    detail = f"HTTP {reply.status}: {said}"[:LONGEST_DETAIL]
    if reply.status in {409, 423, 425, 429}:
        return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, again=True, pause=pause(reply))
    is_ours = reply.status in {401, 402, 403} or NO_CREDIT.match(said)
    if is_ours and not MODERATION.search(said):
        # our key or our credit: nobody's work is taken until the operator has seen to it
        return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, again=True, is_outage=True)
    if MODERATION.search(said):
        return Refused(FailureCode.CONTENT_REJECTED, detail)
    if reply.status in {404, 405, 410}:
        return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail)
    return Refused(FailureCode.PROVIDER_REJECTED, detail)


def failure(code: str, message: str) -> FailureCode:
    """Return what clients are told of a provider's own code and message."""
    said = f"{code} {message}"
    if MODERATION.search(said):
        return FailureCode.CONTENT_REJECTED
    if re.search(r"timed?.?out|deadline|expired", said, re.IGNORECASE):
        return FailureCode.PROVIDER_TIMEOUT
    if re.search(r"invalid|unsupported|bad.?request|validation|not.?allowed", said, re.IGNORECASE):
        return FailureCode.PROVIDER_REJECTED
    return FailureCode.PROVIDER_UNAVAILABLE


def not_made(code: Any, message: Any, *, cost: Cost | None = None) -> NotMade:
    """Return a failure in the provider's own words."""
    said = " ".join(str(part) for part in (code, message) if part) or "It gave no reason."
    return NotMade(code=failure(str(code or ""), str(message or "")), detail=said[:LONGEST_DETAIL], cost=cost)


def words(reply: Reply) -> str:
    """Return what an error answer says, wherever these protocols put it."""
    body = reply.body
    if isinstance(body, Mapping):
        error = body.get("error") or body.get("detail") or body.get("message") or body.get("title")
        if isinstance(error, Mapping):
            parts = (error.get(name) for name in ("code", "type", "status", "message"))
            return " ".join(str(part) for part in parts if part)
        if error:
            return str(error)
    return reply.text


def pause(reply: Reply) -> float | None:
    """Return for how many seconds the provider asks to be left alone, None if it does not say."""
    for name in ("retry-after-ms", "openai-poll-after-ms"):
        if (milliseconds := _number(reply.headers.get(name))) is not None:
            return min(milliseconds / 1000, LONGEST_HINT)
    said = reply.headers.get("retry-after")
    if (seconds := _number(said)) is not None:
        return min(seconds, LONGEST_HINT)
    try:
        until = email.utils.parsedate_to_datetime(said or "")
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    left = (until - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(left, 0.0), LONGEST_HINT)


def field(body: Any, name: str) -> Any:
    """Return a field that must be there. Raise Unreadable."""
    if not isinstance(body, Mapping) or body.get(name) in (None, ""):
        raise Unreadable(f"The answer has no {name!r}.")
    return body[name]


def text(body: Any, name: str) -> str:
    """Return a text that must be there. Raise Unreadable."""
    found = field(body, name)
    if not isinstance(found, str):
        raise Unreadable(f"{name!r} is no text.")
    return found


def nearest(asked: int, able: Iterable[int]) -> int:
    """Return the number that comes closest to what was asked, the larger of two that do."""
    return min(able, key=lambda number: (abs(number - asked), -number))


def micros(amount: Any) -> int | None:
    """Return an amount of a currency in millionths, None if it is no number or below 0."""
    found = _number(amount)
    return None if found is None else round(found * MILLION)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < 1e12 else None
