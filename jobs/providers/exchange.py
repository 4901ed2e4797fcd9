"""What the driver and an adapter say to each other about one submission: data, and two errors."""

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jobs.providers.base import FailureCode


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
