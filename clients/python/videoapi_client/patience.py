"""How long to wait before the next try, and which failures pass by themselves. Times are in seconds."""

import email.utils
import random
import time

from videoapi_client.errors import ApiError, NetworkError, VideoApiError

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
LONGEST_RETRY_AFTER = 60.0  # a server that asks for more is believed, but not waited for in silence
PASSING_STATUS = {429, 502, 503, 504}
PASSING_CODES = {"idempotency_in_progress"}
# A 429 too, but one that ends when a video does: what to do then is for the app to say.
LASTING_CODES = {"too_many_active_jobs"}


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` asks for, as a number or as a date; None without one."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def pause(attempt: int, asked: float | None = None) -> float:
    """Return how long to wait before try number `attempt` + 1.

    The pause doubles, and a random half of it is left out, so that clients that failed together don't come
    back together. It is never shorter than the server asked for.
    """
    doubled = min(FIRST_PAUSE * 2.0 ** min(attempt, 10), LONGEST_PAUSE)
    return (asked or 0.0) + doubled * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def passes(error: VideoApiError) -> bool:
    """Tell whether the same call may succeed a little later."""
    if not isinstance(error, ApiError):
        return isinstance(error, NetworkError)
    if error.code in LASTING_CODES:
        return False
    return error.status in PASSING_STATUS or error.code in PASSING_CODES


def asked_for(error: VideoApiError) -> float:
    """Return the seconds that the API asked to wait with this error."""
    return (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0
