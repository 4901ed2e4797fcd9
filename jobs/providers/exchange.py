"""What the driver and an adapter say to each other about one submission: data, and two errors."""

import base64
import dataclasses
import datetime
import enum
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jobs.providers.base import FailureCode

MILLION = 1_000_000  # millionths of a currency are what costs are counted in


def data_url(jpeg: bytes) -> str:
    """Return a picture as the address that has it in itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def nowhere(key: uuid.UUID) -> str:
    """Return no address: this installation can't be called back."""
    return ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one model is reached: all that an adapter may know of the settings.

    `key` is the secret, `account` the name under which limits and costs are counted. `hosts` may be sent the
    key beside the host of `base_url`; a leading dot means every name below. `callback` gives the address at
    which news of the submission with this key are heard, "" if they are not.
    """

    alias: str
    base_url: str
    model: str
    key: str = dataclasses.field(default="", repr=False)
    account: str = ""
    hosts: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    callback: Callable[[uuid.UUID], str] = nowhere

    def owns(self, url: str) -> bool:
        """Return whether the key may be sent to `url`: the same origin, or https to a host that is named."""
        try:
            ours, theirs = urlsplit(self.base_url), urlsplit(url)
        except ValueError:  # it is none
            return False
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
    """One HTTP request. The body is `json`, or a form of `fields` and `files`, or none.

    `echo` is how many bytes its answer may have beside what is of use: pictures that were sent, told again in
    texts of JSON. They are read past, not kept.
    """

    method: str
    url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    json: Any = dataclasses.field(default=None, repr=False)
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    files: Mapping[str, Attachment] = dataclasses.field(default_factory=dict)
    echo: int = 0


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
class Further:
    """Not on this page of a list, the newest first. `request` asks for the next page.

    `oldest` is when the last work on this one was made, None if it does not say.
    """

    request: Request
    oldest: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Not done yet: `share` (0 to 1) where the provider tells, `poll_after` in seconds.

    `is_waiting`: it is not begun. `step` is what users are told, in our own words; "" is the usual ones.
    `strange` is the provider's word for how it stands, where that is none it is known to use.
    """

    share: float | None = None
    step: str = ""
    poll_after: float | None = None
    is_waiting: bool = False
    strange: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Done: `video` is how to get the file."""

    video: Request
    cost: Cost | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """Ended without a video. `detail` is the provider's own words, for staff.

    `is_cancelled`: because somebody asked for that.
    """

    code: FailureCode
    detail: str
    cost: Cost | None = None
    is_cancelled: bool = False


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
    nobody's work would be taken now, `of_model` that this is said of the model alone and not of the account.
    """

    def __init__(
        self,
        code: FailureCode,
        detail: str,
        *,
        again: bool = False,
        pause: float | None = None,
        is_outage: bool = False,
        of_model: bool = False,
    ) -> None:
        super().__init__(f"{code.value}: {detail}")
        self.code = code
        self.detail = detail
        self.again = again
        self.pause = pause
        self.is_outage = is_outage
        self.of_model = of_model


class Unreadable(Exception):
    """An answer that does not say what its protocol has it say."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A request that says it is a provider's webhook: nothing is believed of it but that there may be news.

    `headers` have small letters, `now` is in seconds of the epoch.
    """

    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    now: float


class Webhook(enum.Enum):
    """What tells that a webhook is a provider's own."""

    NONE = "it has none"
    SECRET = "signed with a secret of the account"  # noqa: S105 - no secret
    PUBLISHED = "signed with a key that the provider publishes"
    ADDRESS = "not signed: only the provider has the address"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a protocol can carry beside a prompt; a model's entry in the settings may allow less.

    `durations`, `resolutions` and `aspect_ratios` are in the words of `jobs.formats`: those of an entry that
    does not name its own. Where there are none the model decides, and its entry has to say.
    """

    seed: bool = False
    camera_fixed: bool = False
    reference_person: bool = False
    image_to_video: bool = True
    durations: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    cancel: bool = False
    find: bool = False  # whether a submission whose reply was lost can be looked up
    webhook: Webhook = Webhook.NONE
