"""How queues and the number of their worker processes are written. Read by the settings: imports nothing."""

import re

from django.core.exceptions import ImproperlyConfigured

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def counts(text: str) -> dict[str, int]:
    """Return `render=2,remote=1` as a dictionary. Raise ImproperlyConfigured, saying what is wrong."""
    found = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (part.strip() for part in item.partition("="))
        if not NAME.fullmatch(name) or not number.isdecimal() or int(number) < 1 or name in found:
            raise ImproperlyConfigured(
                f"WORKER_QUEUES: {item!r} is not a queue's name (letters, digits, - and _), given once, and "
                "how many processes serve it, such as render=2."
            )
        found[name] = int(number)
    if not found:
        raise ImproperlyConfigured("WORKER_QUEUES names no queue; the usual one is render=2.")
    return found
