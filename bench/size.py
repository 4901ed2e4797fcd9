"""Measures at one size of the table, in a fresh database: `python -m bench.size JOBS`, called by `bench`."""

import json
import os
import sys
import time
from typing import Any

import django

ROUNDS = int(os.environ.get("ROUNDS", "10"))
POLLS, HTTP_POLLS, SUBMITS, STARTS, READS = 100, 200, 25, 25, 2  # in a round, in one direction
BACKLOG = 10_000


def main(jobs: int) -> None:
    """Print the measurements as JSON on standard output; say on standard error what is being done."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    json.dump(_measure(jobs), sys.stdout)


def _measure(jobs: int) -> dict[str, Any]:
    from bench import fill, polls, reads, starts, submits
    from bench.calls import Application
    from jobs import housekeeping

    found: dict[str, Any] = {"jobs": jobs}
    _say(jobs, "filling the table")
    begun = time.monotonic()
    filled = fill.fill(jobs)
    found["fill_seconds"] = time.monotonic() - begun
    _say(jobs, f"filled in {found['fill_seconds']:.0f} s; sweeping once")
    housekeeping.sweep()
    ours, bare = Application(), Application(bare=True)
    _say(jobs, "polls")
    found["polls"] = polls.in_process(ours, bare, filled.finished, times=POLLS, rounds=ROUNDS)
    found["http_polls"] = polls.over_http(filled.finished, times=HTTP_POLLS, rounds=ROUNDS)
    _say(jobs, "reads")
    found["reads"] = reads.at_rest(ours, bare, filled, times=READS, rounds=ROUNDS)
    _say(jobs, "submit to start")
    found["starts"] = starts.submit_to_start(ours, filled, times=STARTS)
    _say(jobs, "submits")
    found["submits"] = submits.against_hand(ours, filled, times=SUBMITS, rounds=ROUNDS)
    _say(jobs, f"reads with {BACKLOG} jobs waiting")
    waiting = fill.add_backlog(filled, BACKLOG)
    found["backlog"] = reads.with_backlog(ours, bare, filled, waiting, times=READS, rounds=ROUNDS)
    return found


def _say(jobs: int, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {jobs:>9,} jobs: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
