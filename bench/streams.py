"""`python -m bench.streams`: many open event streams on one web process, and what telling costs the database.

`STREAMS` (1000) is how many, one for each of as many users and jobs; `CHANGES` (3000) are made, `RATE` (100)
a second. It prints memory, connections, delays, the time of a stop, and what a progress update takes with and
without the trigger that tells of it. It asserts nothing.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import databases
from bench.__main__ import ROOT

FILES_BESIDE = 200


def main() -> None:
    """Measure in a process of its own, whose database is made for it and dropped."""
    streams = int(os.environ.get("STREAMS", "1000"))
    allow_files(streams + FILES_BESIDE)
    server = os.environ.get("BENCH_DATABASE_URL") or databases.LOCAL
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        databases.throw_away(server, Path(folder)) as url,
    ):
        environment = {
            **databases.production(folder, url),
            "REHEARSAL": "true",
            "RATE_READ": "1000000/min",
            "STREAM_SECONDS": "3600",
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "bench.listening", str(streams)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


def allow_files(number: int) -> None:
    """Let this process and its children have so many files open. Raise ValueError if that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, max(hard, number)))


if __name__ == "__main__":
    main()
