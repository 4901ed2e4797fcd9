"""Finds jobs by what people send to support: an id, an e-mail address, a user name, a request's id.

Each guess is one look-up in an index; the first that finds something is the answer.
"""

import re
import uuid
from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from jobs.models import Job

HELP = (
    "A job's id (whole, or its first 8 characters or more), a user's e-mail address, name or id, "
    "a video's id, or an X-Request-ID"
)
DIGITS = 32
SHORTEST = 8
NAMESAKES = 20  # users with one e-mail address
# anywhere in what was pasted (an address, a line of a log), its dashes there, gone, or turned into spaces
_DIGITS_APART = r"[\s-]*".join(f"[0-9a-f]{{{number}}}" for number in (8, 4, 4, 4, 12))
WHOLE_ID = re.compile(rf"(?<![0-9a-f]){_DIGITS_APART}(?![0-9a-f])", re.IGNORECASE)
BEGINNING = re.compile(rf"[0-9a-f]{{{SHORTEST},{DIGITS}}}")


def find(jobs: QuerySet[Job], words: str) -> QuerySet[Job]:
    """Return those of `jobs` that the words name."""
    for guess in guesses(words.strip()):
        found = jobs.filter(guess)
        if found.exists():
            return found
    return jobs.none()


def guesses(words: str) -> Iterator[Q]:
    """Return the look-ups to try, one after another."""
    if whole := WHOLE_ID.search(words):
        wanted = uuid.UUID(_digits(whole.group()))
        yield from (Q(id=wanted), Q(video_id=wanted), Q(user_id=wanted))
    elif BEGINNING.fullmatch(digits := _digits(words)):
        yield Q(id__range=(uuid.UUID(digits.ljust(DIGITS, "0")), uuid.UUID(digits.ljust(DIGITS, "f"))))
    # said so that the database can tell that its index of jobs that have one will do
    yield Q(request_id=words) & ~Q(request_id="")
    yield Q(user_id__in=_users(words))


def _digits(text: str) -> str:
    return re.sub(r"[\s-]", "", text).lower()


def _users(words: str) -> list[uuid.UUID]:
    users = get_user_model().objects
    # two look-ups, each in its own index; with OR a database may read the whole table instead
    by_name = users.filter(username=words).values_list("pk", flat=True)
    by_address = users.filter(email__iexact=words).values_list("pk", flat=True) if "@" in words else ()
    return [*by_name, *by_address[:NAMESAKES]]
