"""What the tests of fetching share."""

from jobs import outbound

DEADLINE = 60.0


def fetch(url, target, **options):
    return outbound.fetch(
        url, target, **{"max_bytes": 100_000, "deadline": DEADLINE, "accept": "image/*", **options}
    )


def on_this_machine(host, port):
    return ["127.0.0.1"]


def nobody(host, port):
    raise AssertionError("no name may be looked up")
