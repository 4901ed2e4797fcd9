"""PostgreSQL and Redis servers of a test's own, to be stopped, frozen and killed."""

import atexit
import contextlib
import ctypes
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from base import guard, processes
from tests import ports
from tests.ports import HOST

START_SECONDS = 60.0
STOP_SECONDS = 30.0
MARK = "VIDEOAPI_TEST_SERVER"
IPC_RMID = 0


def require() -> None:
    """Skip the test where PostgreSQL or Redis is not installed; fail it in CI."""
    missing = [name for name in ("postgres", "redis-server") if not _program(name)]
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI needs {', '.join(missing)}.")
    if missing:
        pytest.skip(f"no {', '.join(missing)} on this machine")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder that the user `postgres` can reach; pytest's own are closed to all but us."""
    folder = Path(tempfile.mkdtemp(prefix="videoapi-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """One server under `folder`, running from the start of the block; nothing of it is left at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = ports.reserve()
        self.process: subprocess.Popen[bytes] | None = None
        self._mark = f"{MARK}={processes.new_id()}"
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(guard.over(self._mark))  # also if this process is killed
            stack.callback(self._clean)
            self._prepare()
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start it and wait until it answers; after a kill it recovers first."""
        assert self.process is None, "it is running"
        name, value = self._mark.split("=")
        with (self.folder / f"{type(self).__name__.lower()}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, name: value},
                start_new_session=True,
                **self._identity(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, Path(log.name).read_text()[-3000:]
            assert time.monotonic() < deadline, f"{type(self).__name__} did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it in an orderly way: clients are sent away, what is committed is on the disk."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(self.STOP)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None

    def restart(self) -> None:
        """Stop it in an orderly way and start it again."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill -9 all of it at once."""
        if self.process is None:
            return
        # stopped first, it starts no further child while its children are looked up
        self.process.send_signal(signal.SIGSTOP)
        killed = self.processes()
        for process in killed:
            processes.kill(process)
        self.process.wait(STOP_SECONDS)
        self._wait_for_the_end_of(killed)
        self.process = None

    @staticmethod
    def _wait_for_the_end_of(killed: list[processes.Process]) -> None:
        """One in the midst of an fsync() ends after it, and keeps the next server from starting so long."""
        deadline = time.monotonic() + STOP_SECONDS
        while left := [process for process in killed if processes.is_running(process)]:
            assert time.monotonic() < deadline, f"killed, and still there: {left}"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Make it hang: connections are still accepted (by the kernel), and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on where it was."""
        self._signal(signal.SIGCONT)

    def processes(self) -> list[processes.Process]:
        """Return its main process and the children of that one."""
        assert self.process is not None, "it is not running"
        own = processes.find(self.process.pid)
        return [*([own] if own else []), *processes.children(self.process.pid)]

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None, "it is not running"
        self.process.send_signal(number)
        for child in processes.children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)

    def _clean(self) -> None:
        self.kill()

    def _identity(self) -> dict[str, object]:
        return {}


class PostgreSQL(Server):
    """Honest about commits: they are on the disk when they are answered. `url` is in DATABASE_URL's form."""

    STOP = signal.SIGINT  # "fast": it doesn't wait for clients to leave

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "postgresql"
        self.url = f"postgres://postgres@{HOST}:{self.port}/postgres"

    def _prepare(self) -> None:
        subprocess.run(["cp", "-a", _new_cluster(), self.data], check=True)

    def _command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": 100,
            "dynamic_shared_memory_type": "mmap",  # in its own folder, so that a kill leaves none behind
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self.data), *options]

    def _identity(self) -> dict[str, object]:
        return _postgres_user()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _clean(self) -> None:
        super()._clean()
        with contextlib.suppress(OSError, IndexError, ValueError):
            # a killed server's segment stays, for the next start to see whether anybody is still attached
            segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
            ctypes.CDLL(None).shmctl(int(segment), IPC_RMID, None)


class Redis(Server):
    """Forgets everything when it goes. `url` is in REDIS_URL's form."""

    STOP = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"redis://{HOST}:{self.port}/0"

    def _prepare(self) -> None:
        pass

    def _command(self) -> list[str]:
        nowhere = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return [_program("redis-server"), "--bind", HOST, "--port", str(self.port), *nowhere]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _program(name: str) -> str:
    """Return where a server's program is; "" when it is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    path = os.pathsep.join([*map(str, reversed(places)), os.environ.get("PATH", "")])
    return shutil.which(name, path=path) or ""


def _postgres_user() -> dict[str, object]:
    """Return the user to be: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@functools.cache
def _new_cluster() -> Path:
    """Return a database folder as `initdb` makes it, made once in a test run: a copy is ten times as fast."""
    stack = contextlib.ExitStack()
    folder = stack.enter_context(scratch())
    atexit.register(stack.close)
    identity = _postgres_user()
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    command = [_program("initdb"), "-D", folder / "new", *options]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **identity)
    return folder / "new"
