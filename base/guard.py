"""A small process that outlives its parent by a moment, to end everything that carries the parent's mark.

The parent holds the only writing end of a pipe. Its end, orderly or by kill -9, closes the pipe; no
handler of the parent has to run for that.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from base import processes

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def over(mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """Guard what carries `mark` from here on; at the end of the block nothing of it is left."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "base.guard", mark], cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield guard
    finally:
        processes.end_all(mark)  # ourselves, lest the guard was killed
        guard.communicate()


def main(mark: str) -> None:
    """Wait until the parent is gone, then end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # sent to everybody at a shutdown: our turn comes after it
    sys.stdin.buffer.read()
    processes.end_all(mark)


if __name__ == "__main__":
    main(sys.argv[1])
