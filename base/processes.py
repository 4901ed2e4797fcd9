"""Processes that carry a mark (`NAME=value`) in their environment: found, and ended for good.

A mark is inherited by everything a process starts, survives the death of its parents, and can't be carried
by a stranger that was given an old pid: so it finds orphans, and only ours.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "environ").exists()
PATIENCE_SECONDS = 10.0  # a killed process goes at once unless it hangs in the kernel (a dead network disk)


@dataclass(frozen=True, order=True)
class Process:
    """One process; `started` (in the unit of its source) tells it from a later one with the same pid."""

    started: float
    pid: int
    parent: int


def new_id() -> str:
    """Return a name no other process on any machine has: host, pid and a random part."""
    return f"{host()}-{os.getpid()}-{secrets.token_hex(4)}"


def host() -> str:
    """Return this machine's (or container's) name, as ids begin."""
    return socket.gethostname()[:40]


def find(pid: int) -> Process | None:
    """Return the process with this pid; None when there is none, or only its zombie."""
    if not HAS_PROC:
        return next((process for process, _ in _listed() if process.pid == pid), None)
    with suppress(OSError):
        # the name, in parentheses, may hold anything: the fields start after the last one
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] not in (b"Z", b"X"):
            return Process(started=float(fields[19]), pid=pid, parent=int(fields[1]))
    return None


def running() -> list[Process]:
    """Return every process, oldest first."""
    if not HAS_PROC:
        return sorted(process for process, _ in _listed())
    found = (find(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return sorted(process for process in found if process)


def children(pid: int) -> list[Process]:
    """Return the direct children of a process, oldest first."""
    return [process for process in running() if process.parent == pid]


def is_running(process: Process) -> bool:
    """Tell whether it is still there, and not a later process with its pid."""
    now = find(process.pid)
    return now is not None and now.started == process.started


def marked(mark: str) -> list[Process]:
    """Return the processes that carry `mark`, and all their descendants, oldest first."""
    everything = running()
    found = _carriers(mark)
    while heirs := {process.pid for process in everything if process.parent in found} - found:
        found |= heirs
    return [process for process in everything if process.pid in found and process.pid != os.getpid()]


def kill(process: Process) -> None:
    """Kill exactly this process: whoever else has its pid by now is left alone."""
    with suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            if is_running(process):
                os.kill(process.pid, signal.SIGKILL)
            return
        handle = os.pidfd_open(process.pid)  # from here on the pid can't change hands under us
        try:
            if is_running(process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def end_all(mark: str) -> list[Process]:
    """Kill everything that carries `mark`, parents first so that nothing is started anew.

    Return what is still there after `PATIENCE_SECONDS`: nothing, unless the kernel itself is stuck.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    empty_looks = 0
    left: list[Process] = []
    while empty_looks < 2 and time.monotonic() < deadline:  # one look may fall into somebody's exec()
        left = marked(mark)
        for process in left:
            kill(process)
        empty_looks = 0 if left else empty_looks + 1
        time.sleep(0.05)
    return left


def _carriers(mark: str) -> set[int]:
    if not HAS_PROC:
        return {process.pid for process, command in _listed() if mark in command.split()}
    wanted = mark.encode()
    carriers = set()
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # gone meanwhile, or another user's
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    carriers.add(int(entry.name))
    return carriers


def _listed() -> list[tuple[Process, str]]:
    """Return every process with its command line and environment, where there is no /proc (macOS)."""
    options = "-axEww" if sys.platform == "darwin" else "axeww"
    columns = "pid=,ppid=,stat=,lstart=,command="
    output = subprocess.run(
        ["ps", options, "-o", columns], env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=True
    ).stdout.decode(errors="replace")
    found = []
    for line in output.splitlines():
        with suppress(ValueError, IndexError):  # a newline in somebody's environment makes a line of its own
            pid, parent, state, *rest = line.split(maxsplit=8)
            started = time.mktime(time.strptime(" ".join(rest[:5]), "%a %b %d %H:%M:%S %Y"))
            if not state.startswith("Z"):
                found.append((Process(started=started, pid=int(pid), parent=int(parent)), rest[5]))
    return found
