"""When a message is sent again that was not taken, and for how long a failing receiver is left alone."""

import datetime
import email.utils
import random

from django.conf import settings

JITTER = 0.1  # of a wait, more or less: those that failed together don't come back together
REST_AFTER = 3  # failures in a row
LONGEST_REST = datetime.timedelta(minutes=5)
LONGEST_RETRY_AFTER = datetime.timedelta(hours=1)
SPARE = datetime.timedelta(hours=1)
_chance = random.SystemRandom()


def after(tries: int) -> datetime.timedelta | None:
    """Return how long to wait after so many failed tries; None where that was the last one."""
    waits = settings.WEBHOOK_RETRIES
    return _shaken(waits[tries - 1]) if tries <= len(waits) else None


def lifetime() -> datetime.timedelta:
    """Return for how long one message is tried at all, receivers' rests included."""
    return sum(settings.WEBHOOK_RETRIES, datetime.timedelta()) * (1 + JITTER) + SPARE


def rest(failures: int) -> datetime.timedelta:
    """Return for how long a receiver gets nothing after so many failures in a row: then one message only."""
    if failures < REST_AFTER or not settings.WEBHOOK_RETRIES:
        return datetime.timedelta()
    waits = settings.WEBHOOK_RETRIES
    return _shaken(min(waits[min(failures - REST_AFTER, len(waits) - 1)], LONGEST_REST))


def asked_for(retry_after: str, now: datetime.datetime) -> datetime.timedelta:
    """Return the wait that a `Retry-After`, seconds or a date, asks for: an hour at most; else none."""
    if retry_after.isascii() and retry_after.isdecimal():
        return min(datetime.timedelta(seconds=int(retry_after[:9])), LONGEST_RETRY_AFTER)
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # the second for a year of twenty digits
        return datetime.timedelta()
    if until.tzinfo is None:  # "-0000": UTC, and nobody's local time
        until = until.replace(tzinfo=datetime.UTC)
    return max(min(until - now, LONGEST_RETRY_AFTER), datetime.timedelta())


def _shaken(wait: datetime.timedelta) -> datetime.timedelta:
    return wait * _chance.uniform(1 - JITTER, 1 + JITTER)
