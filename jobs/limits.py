"""What the kernel holds a render to. A render process sets it for itself, before it touches anybody's data.

Python's own handlers are of no use against code that never comes back to Python: everything here is done by
the kernel, and what the render starts inherits most of it. macOS keeps neither the memory ceiling nor the
bond to the worker.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

MEGABYTE = 1024 * 1024
LARGEST_FILE = 4096 * MEGABYTE  # far above any video of ours: it stops what would fill the disk
KILLED_FIRST = "1000"  # the kernel's memory killer takes this process before any other
ALARM_AFTER = 60  # seconds past the time limit: by then whoever should have ended the render is gone
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


def apply(*, memory_mb: int, seconds: float, worker: int) -> None:
    """Set all limits of this process.

    `memory_mb` bounds its own memory, 0 not at all. `seconds` is its time limit, `worker` the pid of its
    parent, whose end is its own.
    """
    apply_lasting(memory_mb=memory_mb, worker=worker)
    _limit(resource.RLIMIT_FSIZE, LARGEST_FILE)
    end_after(seconds)


def apply_lasting(*, memory_mb: int, worker: int) -> None:
    """Set what a process is held to that is kept: no time as a whole, and no size of a file.

    A model's weights that it fetches may be larger than any video.
    """
    _end_with(worker)
    _limit(resource.RLIMIT_CORE, 0)  # a dump holds a user's picture, and fills disks
    if memory_mb:
        # DATA, not AS: it counts what the process may write to (4K of 15 s: 1225 MB, of which 1015 MB were in
        # use). AS also counts libraries and address space that is only reserved: 220 MB more there, more with
        # each thread, and tens of GB where a GPU is driven. DATA leaves out memory that is asked for as
        # shared, as nothing of ours does; the memory killer is for that.
        _limit(resource.RLIMIT_DATA, memory_mb * MEGABYTE)
    with suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(KILLED_FIRST)


def end_after(seconds: float) -> None:
    """Have the kernel end this process some time after `seconds`, unless it is told otherwise until then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) + ALARM_AFTER)


def let_rest() -> None:
    """Take back `end_after`."""
    signal.alarm(0)


def _limit(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (bound, bound))


def _end_with(worker: int) -> None:
    # A thread that watches the channel cannot run while native code holds the interpreter's lock.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != worker:  # it was gone before the kernel was told
        os._exit(1)
