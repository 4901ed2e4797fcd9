"""The supervisor around a real qcluster: whatever is killed, it says so and nothing stays behind."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from base import processes
from jobs.heartbeat import HELD_UP
from tests import migrated

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 2
INNER = 1 + 1 + WORKERS + 2  # main, sentinel, workers, pusher and monitor
PATIENCE = 150  # seconds, in which a busy machine starts a cluster or ends one

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="brings its own SQLite: once is enough"),
]


def environment(folder: Path) -> dict[str, str]:
    dropped = ("DATABASE_URL", "REDIS_URL", "Q_CLUSTER_NAME", "WORKER_QUEUES")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    own = {"DJANGO_SETTINGS_MODULE": "videoapi.settings", "DEBUG": "true", "DATA_DIR": str(folder)}
    return {**kept, **own, "SECRET_KEY": "", "SECURE_COOKIES": "true", "LOG_LEVEL": "INFO"}


class Supervised:
    """A `manage.py worker` in a folder of its own, and how to look at its processes."""

    def __init__(self, folder: Path, *options: str, queue: str = "render") -> None:
        self.mark = f"TEST_SUPERVISED={processes.new_id()}"
        name, _, value = self.mark.partition("=")
        command = [sys.executable, "manage.py", "worker", f"--queue={queue}={WORKERS}", *options]
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**environment(folder), name: value},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Supervised":
        return self

    def __exit__(self, *error: object) -> None:
        processes.end_all(self.mark)
        self.process.wait()

    def all(self) -> list[processes.Process]:
        """Everything it started, and itself."""
        return processes.marked(self.mark)

    def inner(self) -> dict[str, processes.Process]:
        """The parts of the cluster by name; as many as there are by now."""
        main = [child for child in processes.children(self.process.pid) if "qcluster" in command(child)]
        sentinel = [child for one in main for child in processes.children(one.pid)]
        rest = [child for one in sentinel for child in processes.children(one.pid)]
        # the sentinel starts its children in this order
        names = ["main", "sentinel", *(f"worker {n}" for n in range(WORKERS)), "monitor", "pusher"]
        return dict(zip(names, [*main, *sentinel, *rest], strict=False))

    def wait_until_complete(self) -> None:
        assert within(PATIENCE, lambda: len(self.inner()) == INNER), self.log.read_text()
        assert within(PATIENCE, lambda: ": complete," in self.log.read_text()), self.log.read_text()
        time.sleep(1)  # the parts have begun to wait for work

    def wait(self, seconds: float) -> int:
        return self.process.wait(timeout=seconds)


def command(process: processes.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_text().replace("\0", " ")
    except OSError:  # it has just ended
        return ""


def within(seconds: float, condition) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def enqueue(folder: Path, *shell_command: str, queue: str | None = None) -> None:
    """Have the next free worker run a command."""
    call = f"async_task('subprocess.call', {list(shell_command)!r}, cluster={queue!r})"
    code = f"from django_q.tasks import async_task; {call}"
    run = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    subprocess.run(run, cwd=ROOT, env=environment(folder), check=True, stdout=subprocess.DEVNULL)


def messages_ever(folder: Path) -> int:
    """Return how many messages there have been, those that were taken included."""
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3", timeout=PATIENCE)) as database:
        found = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs_message'").fetchone()
    return found[0] if found else 0


def halt(folder: Path, pid: int) -> None:
    """SIGSTOP a process, but not while it alone may write to SQLite: nobody could ask for a pulse then."""
    stat = Path(f"/proc/{pid}/stat")
    while True:
        os.kill(pid, signal.SIGSTOP)
        assert within(PATIENCE, lambda: stat.read_text().rpartition(") ")[2].startswith("T"))
        database = sqlite3.connect(folder / "db.sqlite3", timeout=2, isolation_level=None)
        with contextlib.closing(database), contextlib.suppress(sqlite3.OperationalError):
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)


@pytest.fixture
def folder(tmp_path):
    """A data folder with a migrated SQLite database."""
    (tmp_path / "data").mkdir()
    migrated.copy(tmp_path / "data" / migrated.NAME)
    return tmp_path / "data"


@pytest.fixture
def supervised(folder):
    """One whose patience outlasts any test's: what a test waits for comes by nothing but what it does."""
    with Supervised(folder, "--grace=300", "--pulse-timeout=300") as started:
        started.wait_until_complete()
        yield started


@pytest.mark.parametrize("part", ["main", "sentinel", "worker 0", "worker 1", "pusher", "monitor"])
def test_it_ends_the_whole_cluster_when_one_part_is_killed(supervised, part):
    os.kill(supervised.inner()[part].pid, signal.SIGKILL)
    assert supervised.wait(PATIENCE) == 1
    assert supervised.all() == []
    assert "Ending the whole cluster" in supervised.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(supervised, number):
    supervised.process.send_signal(number)
    assert supervised.wait(PATIENCE) == 0
    assert supervised.all() == []
    assert "cut short" not in supervised.log.read_text()


def test_nothing_stays_when_the_supervisor_itself_is_killed(supervised):
    assert len(supervised.all()) >= 1 + 1 + INNER  # supervisor, guard and cluster
    supervised.process.kill()
    assert within(PATIENCE, lambda: supervised.all() == [])


def test_what_a_task_started_goes_with_the_cluster(folder):
    enqueue(folder, "sleep", "300")
    with Supervised(folder) as started:
        assert within(PATIENCE, lambda: any(command(each).startswith("sleep") for each in started.all()))
        started.process.kill()
        assert within(PATIENCE, lambda: started.all() == [])


def test_a_running_task_may_finish_within_the_grace(folder, tmp_path):
    begun, go, done = tmp_path / "begun", tmp_path / "go", tmp_path / "done"
    enqueue(folder, "sh", "-c", f"touch {begun}; until test -e {go}; do sleep 0.2; done; touch {done}")
    with Supervised(folder, "--grace=300") as started:
        assert within(PATIENCE, begun.exists)
        started.process.send_signal(signal.SIGTERM)
        assert within(PATIENCE, lambda: "stopping: running tasks get" in started.log.read_text())
        go.touch()
        assert started.wait(PATIENCE) == 0
        assert done.exists()
        assert started.all() == []


def test_it_ends_when_its_guard_is_killed(supervised):
    guards = [child for child in processes.children(supervised.process.pid) if "base.guard" in command(child)]
    os.kill(guards[0].pid, signal.SIGKILL)
    assert supervised.wait(PATIENCE) == 1
    assert supervised.all() == []


def test_nothing_stays_when_asked_to_stop_while_starting(folder):
    with Supervised(folder, "--grace=300") as started:
        assert within(PATIENCE, lambda: any("qcluster" in command(each) for each in started.all()))
        started.process.send_signal(signal.SIGTERM)
        started.wait(PATIENCE)
        assert started.all() == []


def test_a_second_signal_cuts_the_grace_short(supervised):
    os.kill(supervised.inner()["sentinel"].pid, signal.SIGSTOP)  # so it can't stop by itself
    supervised.process.send_signal(signal.SIGTERM)
    assert within(PATIENCE, lambda: "stopping: running tasks get" in supervised.log.read_text())
    assert supervised.process.poll() is None
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.wait(PATIENCE) == 0
    assert supervised.all() == []


def test_it_ends_what_does_not_stop_within_the_grace(folder):
    with Supervised(folder, "--grace=1") as started:
        started.wait_until_complete()
        os.kill(started.inner()["sentinel"].pid, signal.SIGSTOP)
        started.process.send_signal(signal.SIGTERM)
        assert started.wait(PATIENCE) == 0
        assert started.all() == []
        assert "cut short" in started.log.read_text()


def test_a_cluster_that_takes_no_work_is_ended(folder, monkeypatch):
    pulse = 1
    monkeypatch.setenv("WORKER_PULSE_SECONDS", str(pulse))
    with Supervised(folder, "--pulse-timeout=5") as started:
        started.wait_until_complete()
        halt(folder, started.process.pid)  # it must not begin to count before all of them stand still
        parts = started.inner()
        for part in ("worker 0", "worker 1", "pusher", "monitor"):
            halt(folder, parts[part].pid)  # every process is there, and nothing moves
        time.sleep(HELD_UP * pulse + 0.5)  # after so long a halt it begins anew
        started.process.send_signal(signal.SIGCONT)
        assert started.wait(PATIENCE) == 1
        assert "no sign of life" in started.log.read_text()
        assert started.all() == []


def test_an_idle_cluster_gives_signs_of_life(folder, monkeypatch):
    monkeypatch.setenv("WORKER_PULSE_SECONDS", "0.5")
    with Supervised(folder, "--pulse-timeout=300") as started:
        started.wait_until_complete()
        before = messages_ever(folder)
        # the next pulse is asked for once the last one was taken
        assert within(PATIENCE, lambda: messages_ever(folder) >= before + 3), started.log.read_text()
        assert started.process.poll() is None, started.log.read_text()


def test_it_serves_a_named_queue(folder, tmp_path):
    enqueue(folder, "touch", str(tmp_path / "default"))
    enqueue(folder, "touch", str(tmp_path / "nightly"), queue="nightly")
    with Supervised(folder, queue="nightly"):
        assert within(PATIENCE, (tmp_path / "nightly").exists)
    assert not (tmp_path / "default").exists()
