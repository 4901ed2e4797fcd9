"""What the settings say about queues: where they are kept, who serves them. Imports nothing of ours."""

import re

from django.core.exceptions import ImproperlyConfigured

BROKERS = {"database": "jobs.broker.Broker", "redis": "jobs.redis_broker.Broker"}
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


def broker(name: str, *, redis_url: str) -> str:
    """Return the name of a broker that can be used. Raise ImproperlyConfigured, saying what is wrong."""
    if name not in BROKERS:
        raise ImproperlyConfigured(f"QUEUE_BROKER: {name!r} is none of {', '.join(BROKERS)}.")
    if name == "redis" and not redis_url:
        raise ImproperlyConfigured("QUEUE_BROKER=redis needs REDIS_URL, the Redis that keeps the queue.")
    return name
