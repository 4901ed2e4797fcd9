"""What a render process may say, in JSON lines. It may be broken or hostile: nothing is taken on trust."""

import dataclasses
import json
import math
import stat
from pathlib import Path
from typing import Any

from jobs.providers.base import FailureCode, ProviderError, Rendered

OUT_OF_MEMORY = 97  # the exit status of a render that was refused memory
LONGEST_LINE = 65536
LONGEST_TEXT = 4000
LONGEST_SIDE = 16384  # pixels, as H.264 has it
MOST_FRAMES_PER_SECOND = 1000
LONGEST_VIDEO = 86400.0  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken the work on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """The share of the work done, 0.0 to 1.0, and what is being done."""

    share: float
    step: str


@dataclasses.dataclass(frozen=True, slots=True)
class Stopped:
    """A process that is kept has dropped what it was told to drop, if it was at work at all."""


Message = Accepted | Progress | Rendered | Stopped


def read(line: bytes) -> Message:
    """Return what the line says; paths are as they were said, see `require_own`.

    Raise ProviderError: the error that the line tells of, or that it is none of ours.
    """
    try:
        [(kind, content)] = json.loads(line).items()
        match kind:
            case "accepted":
                return Accepted()
            case "progress":
                return Progress(_share(content["share"]), clean(content["step"]))
            case "done":
                return _rendered(content)
            case "stopped":
                return Stopped()
            case "error":
                raise _error(content)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise nonsense(line) from error
    raise nonsense(line)


def as_json(rendered: Rendered) -> dict[str, Any]:
    """Return the content of `done`."""
    fields = dataclasses.asdict(rendered)
    return {key: str(value) if isinstance(value, Path) else value for key, value in fields.items()}


def nonsense(said: bytes) -> ProviderError:
    """Return the error for a render that talks nonsense."""
    start = clean(said[:100].decode(errors="replace"))
    return ProviderError(FailureCode.INTERNAL_ERROR, f"The render process said what is no message: {start!r}")


def require_own(rendered: Rendered, folder: Path) -> None:
    """Raise ProviderError unless what was rendered are plain files in `folder`.

    Ask when the process has ended: a living one could change them afterwards. One that is kept (`jobs.kept`)
    is trusted not to, as it opens nothing that a user sent.
    """
    for path in (rendered.video, rendered.poster):
        try:
            is_own = path.resolve(strict=True).is_relative_to(folder.resolve())
            is_plain = stat.S_ISREG(path.lstat().st_mode)
        except (OSError, ValueError, RuntimeError):  # none, unreachable, or a loop of links
            is_own = is_plain = False
        if not (is_own and is_plain):
            detail = (
                f"The render process answered with what is no file of its own: {clean(str(path))[:300]!r}"
            )
            raise ProviderError(FailureCode.INTERNAL_ERROR, detail)


def clean(text: Any) -> str:
    """Return text as every database takes it, cut to a length. Raise TypeError if it is none."""
    if not isinstance(text, str):
        raise TypeError(f"{type(text).__name__} for a text")
    return text[:LONGEST_TEXT].replace("\x00", "").encode(errors="replace").decode()


def _share(value: Any) -> float:
    share = float(value)
    return 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)


def _rendered(content: dict[str, Any]) -> Rendered:
    seconds = float(content["duration_seconds"])
    if not 0 < seconds <= LONGEST_VIDEO:  # nor NaN
        raise ValueError(f"a duration of {seconds}")
    return Rendered(
        video=Path(clean(content["video"])),
        poster=Path(clean(content["poster"])),
        width=_whole(content["width"], LONGEST_SIDE),
        height=_whole(content["height"], LONGEST_SIDE),
        frames_per_second=_whole(content["frames_per_second"], MOST_FRAMES_PER_SECOND),
        duration_seconds=seconds,
    )


def _whole(value: Any, most: int) -> int:
    if not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{value!r} is not within 1 and {most}")
    return value


def _error(content: dict[str, Any]) -> ProviderError:
    return ProviderError(
        FailureCode(content["code"]), clean(content["detail"]), retryable=content["retryable"] is True
    )
