"""What providers' answers have in common: errors, pauses, fields that must be there."""

import datetime
import email.utils
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jobs.providers.base import FailureCode
from jobs.providers.exchange import MILLION, Cost, NotMade, Refused, Reply, Unreadable, Working

LONGEST_DETAIL = 1000
IN_QUEUE = "Waiting in the provider's queue"
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
# A 403 that says this is about the account; any other may be about the model that was asked for.
ACCOUNT = re.compile(r"balance|credit|billing|payment|\block(ed)?\b|suspend|deactivat", re.IGNORECASE)


def refusal(reply: Reply, said: str = "") -> Refused:
    """Return the plain meaning of a 4xx answer, `said` being what names the reason."""
    said = said or words(reply)
    detail = f"HTTP {reply.status}: {said}"[:LONGEST_DETAIL]
    if reply.status in {409, 423, 425, 429}:
        return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, again=True, pause=pause(reply))
    is_ours = reply.status in {401, 402, 403} or NO_CREDIT.match(said)
    if is_ours and not MODERATION.search(said):
        # our key or our credit: nobody's work is taken until the operator has seen to it
        of_model = reply.status == 403 and not ACCOUNT.search(said)
        code = FailureCode.PROVIDER_UNAVAILABLE
        return Refused(code, detail, again=True, is_outage=True, of_model=of_model)
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


def working(
    word: str,
    reply: Reply,
    *,
    waiting: Mapping[str, str],
    begun: Collection[str],
    share: float | None = None,
) -> Working:
    """Return how work stands that has not ended, by the provider's word for it.

    `waiting` are its words for work that is not begun, each with what users are told; `begun` those for work
    that is. Any other word means that it goes on, and is strange.
    """
    if word in waiting:
        return Working(step=waiting[word], poll_after=pause(reply), is_waiting=True)
    return Working(share=share, poll_after=pause(reply), strange="" if word in begun else word)


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
    # A LiteLLM proxy passes on what the provider behind it says, under a name of its own.
    said = reply.headers.get("retry-after") or reply.headers.get("llm_provider-retry-after")
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


def moment(body: Any, name: str) -> datetime.datetime | None:
    """Return a time in the form of ISO 8601, None if there is none."""
    try:
        found = datetime.datetime.fromisoformat(str(body[name]))
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


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
