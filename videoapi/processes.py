"""Programs run as children of one command: lines prefixed, restarted where asked, all ended together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from base import guard, processes

MARK = "VIDEOAPI_RUN"
FIRST_PAUSE = 1.0  # seconds before a first restart; doubled each time
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # after running this long a program is taken for healthy again
STOP_SECONDS = 8.0  # between SIGTERM and SIGKILL
COLOURS = ("\033[36m", "\033[33m", "\033[35m", "\033[32m")
PLAIN = "\033[0m"


class ProgramEnded(Exception):
    """A program that must not end has ended."""


@dataclass(frozen=True)
class Program:
    """What to start, and whether to start it again when it ends."""

    name: str
    command: tuple[str, ...]
    restart: bool = False


class Children:
    """The running programs, as a context manager: at the end of the block none of their processes is left.

    Nor is any left if this process is killed: a guard outlives it for that.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        write: Callable[[str], object],
        with_parent: bool = False,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        """`with_parent`: end when the process that started this one is gone, as `make` may be, killed."""
        self.mark = f"{MARK}={processes.new_id()}"
        self._stop_seconds = stop_seconds
        self._environment = {**os.environ, **environment, MARK: self.mark.partition("=")[2]}
        self._write = write
        self._lock = threading.Lock()  # of `_running`, and of each line of output
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._keepers: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._failure = ""
        self._parent = os.getppid() if with_parent else None
        self._guard = ExitStack()

    def __enter__(self) -> Self:
        self._guard.enter_context(guard.over(self.mark))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # what comes now is bounded anyway: no further signal interrupts it
        with _handling((signal.SIGTERM, signal.SIGHUP, signal.SIGINT), signal.SIG_IGN), self._guard:
            self._stop()
        for keeper in self._keepers:
            keeper.join()

    def start(self, program: Program) -> None:
        """Start a program and keep it: its lines go to `write` with its name before them."""
        keeper = threading.Thread(target=self._keep, args=(program, len(self._keepers)), name=program.name)
        self._keepers.append(keeper)
        keeper.start()

    def check(self) -> None:
        """Raise ProgramEnded if one that must not end did."""
        if self._parent not in (None, os.getppid()):
            raise ProgramEnded("The process that started this one is gone.")
        if self._failure:
            raise ProgramEnded(self._failure)

    def wait(self) -> None:
        """Run until there is a reason to stop. Raise ProgramEnded."""
        while True:
            self.check()
            time.sleep(0.2)

    def _keep(self, program: Program, number: int) -> None:
        prefix = f"{program.name:<7}| "
        if sys.stdout.isatty():
            prefix = f"{COLOURS[number % len(COLOURS)]}{prefix}{PLAIN}"
        pause = FIRST_PAUSE
        while child := self._launch(program):
            started = time.monotonic()
            self._relay(child, prefix)
            status = child.wait()
            if self._stopping.is_set():
                return
            if not program.restart:
                self._failure = f"The {program.name} process ended (exit status {status})."
                return
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else pause
            self._line(prefix, f"ended (exit status {status}); starting it again in {pause:g} s")
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _launch(self, program: Program) -> subprocess.Popen[bytes] | None:
        with self._lock:  # either `_stop` sees the child, or there is none
            if self._stopping.is_set():
                return None
            child = subprocess.Popen(
                program.command,
                cwd=settings.BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C reaches us alone, and we stop them in order
            )
            self._running[program.name] = child
            return child

    def _relay(self, child: subprocess.Popen[bytes], prefix: str) -> None:
        if child.stdout:
            with child.stdout:  # ends when the last process of the program is gone, orphans included
                for line in child.stdout:
                    self._line(prefix, line.decode(errors="replace").rstrip())

    def _line(self, prefix: str, text: str) -> None:
        with self._lock:
            self._write(f"{prefix}{text}\n")

    def _stop(self) -> None:
        with self._lock:
            self._stopping.set()
            for child in self._running.values():
                child.terminate()
        deadline = time.monotonic() + self._stop_seconds
        while processes.marked(self.mark) and time.monotonic() < deadline:
            time.sleep(0.1)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise KeyboardInterrupt too, so that one path stops everything."""
    hangup = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)  # nohup
    with _handling((signal.SIGTERM, signal.SIGINT, *hangup), signal.default_int_handler):
        yield


@contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
