"""The machines of a storm: each runs one program and starts it again when it dies, as a service does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from base import processes
from base.processes import Process
from tests import ports
from tests.ports import HOST
from videoapi import local

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "VIDEOAPI_STORM"
REMOTE_QUEUE = "remote"
GRACE_SECONDS = 5
WORKER_OPTIONS = (f"--grace={GRACE_SECONDS}", "--pulse-timeout=20")  # as short as the lease and the rest
NOTICE_SECONDS = 5.0  # a program may live on without its guard
TIDY_SECONDS = 20.0  # after the program's end nothing of it may be left for longer
STOP_SECONDS = GRACE_SECONDS + 20.0  # from SIGTERM to its end


@dataclass
class Machine:
    """One program, kept running; `violations` says where it did not end as it should."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    pause: Callable[[], float]
    address: str = ""
    violations: list[str] = field(default_factory=list)
    starts: int = 0
    guard_killed_at: float = 0.0  # or when the program can know of it
    thawed_at: float = 0.0  # when all of it went on after a freeze, or is to go on

    def __post_init__(self) -> None:
        self.mark = f"{MARK}={processes.new_id()}-{self.name}"
        self.process: subprocess.Popen[bytes] | None = None
        self._asked_at = 0.0
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {self.name}", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def parts(self) -> list[Process]:
        """Return its processes, oldest first."""
        return processes.marked(self.mark)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the program alone; it is started again."""
        if self.process and self.process.poll() is None:
            self._asked_at = self._asked_at or time.monotonic()
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Stop it for good, in an orderly way."""
        self._closing.set()
        self.ask_to_stop()

    def join(self) -> None:
        self._keeper.join()

    def _keep(self) -> None:
        name, _, value = self.mark.partition("=")
        while not self._closing.is_set():
            with self.log.open("ab") as log:
                self._asked_at = 0.0
                self.process = subprocess.Popen(
                    self.command,
                    cwd=ROOT,
                    env={**self.environment, name: value},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.starts += 1
            if self._closing.is_set():
                self.ask_to_stop()
            self._wait()
            self._tidy()
            self._closing.wait(self.pause())

    def _wait(self) -> None:
        while self.process.poll() is None:
            asked_at = self._asked_at and max(self._asked_at, self.thawed_at)
            if asked_at and time.monotonic() - asked_at > STOP_SECONDS:
                self.violations.append(f"processes: {self.name} did not stop within {STOP_SECONDS:.0f} s")
                self.process.kill()
            time.sleep(0.05)

    def _tidy(self) -> None:
        ended_at = time.monotonic()
        # with its guard killed as well there is nobody left to end them: that takes a second death at once
        while ended_at - self.guard_killed_at > NOTICE_SECONDS and (left := self.parts()):
            if time.monotonic() > max(ended_at, self.thawed_at) + TIDY_SECONDS:
                named = ", ".join(f"{part.pid} {command(part)}" for part in left)
                self.violations.append(f"processes: {self.name} ended and left behind {named}")
                break
            time.sleep(0.1)
        processes.end_all(self.mark)


def web(number: int, *, folder: Path, environment: Mapping[str, str], pause: Callable[[], float]) -> Machine:
    """Return a machine with a web server on a port of its own."""
    port = ports.reserve()
    return Machine(
        name=f"web-{number}",
        command=local.web(HOST, port).command,
        environment={**environment, "DATA_DIR": str(folder / f"web-{number}")},
        log=folder / f"web-{number}.log",
        pause=pause,
        address=local.address(HOST, port),
    )


def worker(
    number: int, *, folder: Path, environment: Mapping[str, str], pause: Callable[[], float]
) -> Machine:
    """Return a machine with a worker."""
    return Machine(
        name=f"worker-{number}",
        command=(sys.executable, "manage.py", "worker", *WORKER_OPTIONS),
        environment={**environment, "DATA_DIR": str(folder / f"worker-{number}")},
        log=folder / f"worker-{number}.log",
        pause=pause,
    )


def clean_environment() -> dict[str, str]:
    """Return the environment less whatever the caller's own settings and tests put there."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "USER", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


def command(process: Process) -> str:
    """Return the command line of a process; "" if it is gone."""
    try:
        return (processes.PROC / str(process.pid) / "cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def _serves(process: Process, queue: str) -> bool:
    """Tell whether it is of the cluster of a queue, which is in the environment it was given."""
    try:
        given = (processes.PROC / str(process.pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"Q_CLUSTER_NAME={queue}".encode() in given


def parts_by_role(machine: Machine) -> dict[str, list[Process]]:
    """Return a worker machine's processes by what they are; as many as there are just now."""
    parts, found = machine.parts(), {}
    root = machine.process.pid if machine.process else 0
    below: dict[int, list[Process]] = {}
    for part in parts:
        below.setdefault(part.parent, []).append(part)
    found["supervisor"] = [part for part in parts if part.pid == root]
    found["guard"] = [part for part in below.get(root, []) if "base.guard" in command(part)]
    found["main"] = [part for part in below.get(root, []) if "qcluster" in command(part)]
    found["sentinel"] = [part for main in found["main"] for part in below.get(main.pid, [])]
    found["render"] = [part for part in parts if "jobs.render_child" in command(part)]
    found |= {"worker": [], "monitor": [], "pusher": []}
    found["driver"] = []
    for sentinel in found["sentinel"]:
        inner = below.get(sentinel.pid, [])
        if len(inner) > 2:  # the sentinel starts its workers first, and these two last
            found["worker"] += inner[:-2]
            if _serves(sentinel, REMOTE_QUEUE):
                found["driver"] += inner[:-2]
            found["monitor"].append(inner[-2])
            found["pusher"].append(inner[-1])
    rendering = {part.parent for part in found["render"]}
    found["examiner"] = [part for part in parts if "jobs.examiner_child" in command(part)]
    found["busy worker"] = [part for part in found["worker"] if part.pid in rendering]
    return found
