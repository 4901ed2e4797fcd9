"""Every known way to wedge a django-q2 cluster, against `manage.py worker` as something keeps it running.

After each the tasks that waited are done within seconds, and nothing of the old cluster is left.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from base import processes
from tests.faults import checker_queue
from tests.live import ROOT, Installation
from videoapi import local
from videoapi.processes import Children, Program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL"), reason="on PostgreSQL; test_supervisor has SQLite"
    ),
]

WORKERS = 2
INNER = 1 + 1 + WORKERS + 2  # main, sentinel, workers, monitor, pusher
RECOVERED = 150  # seconds, on a busy machine; a restart takes about three
WAITING = 3
# Code that makes a `payload`.
UNREADABLE = {
    "badly signed": "payload = 'not a task'",
    "of a class that the worker lacks": (
        "import sys, types; from django_q.signing import SignedPackage;"
        "gone = sys.modules['gone'] = types.ModuleType('gone');"
        "gone.Task = type('Task', (), {'__module__': 'gone'});"
        "payload = SignedPackage.dumps(gone.Task())"
    ),
}


class Kept:
    """A `manage.py worker` that is started again whenever it ends, and its parts."""

    def __init__(
        self, folder: Path, children: Children, environment: dict[str, str], lines: list[str]
    ) -> None:
        self.folder = folder
        self.children = children
        self.lines = lines
        self.environment = environment
        self.tasks = 0

    def supervisor(self) -> processes.Process | None:
        found = [each for each in processes.marked(self.children.mark) if "manage.py worker" in command(each)]
        return found[0] if found else None

    def parts(self) -> dict[str, processes.Process]:
        """The parts of the cluster by name; as many as there are by now."""
        supervisor = self.supervisor()
        if supervisor is None:
            return {}
        main = [child for child in processes.children(supervisor.pid) if "qcluster" in command(child)]
        sentinel = [child for one in main for child in processes.children(one.pid)]
        rest = [child for one in sentinel for child in processes.children(one.pid)]
        # the sentinel starts its children in this order
        names = ["main", "sentinel", *(f"worker {n}" for n in range(WORKERS)), "monitor", "pusher"]
        return dict(zip(names, [*main, *sentinel, *rest], strict=False))

    def complete(self) -> dict[str, processes.Process]:
        """Return its parts, once the supervisor knows them, too."""
        assert within(RECOVERED, lambda: len(self.parts()) == INNER)
        known = f"-{self.supervisor().pid}-"
        assert within(RECOVERED, lambda: any(known in line and ": complete," in line for line in self.lines))
        return self.parts()

    def send(self, function: str, *, seconds: int | None = None) -> Path:
        """Enqueue a task; return the file that it makes when it runs."""
        self.tasks += 1
        path = self.folder / f"task-{self.tasks}"
        limit = f", timeout={seconds}" if seconds else ""
        call = f"async_task('tests.jobs.wedging.{function}', {str(path)!r}, cluster='render'{limit})"
        self.shell(f"from django_q.tasks import async_task; {call}")
        return path

    def shell(self, code: str) -> None:
        run = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        subprocess.run(run, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)


def command(process: processes.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def within(seconds: float, condition) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A migrated database, with no web and no worker."""
    installation = Installation(
        tmp_path_factory.mktemp("wedges"), WORKER_QUEUES=f"render={WORKERS}", LOG_LEVEL="INFO"
    )
    with installation.database():
        yield installation


@pytest.fixture
def kept(installed, tmp_path):
    lines = []

    def write(line):
        lines.append(line)
        sys.stdout.write(line)

    with psycopg.connect(installed.environment["DATABASE_URL"]) as connection:
        connection.execute("DELETE FROM jobs_message")  # one that a killed cluster held would lie for long
    with Children(environment=installed.environment, write=write) as children:
        children.start(Program("worker", (*local.manage(), "worker", "--grace=2"), restart=True))
        kept = Kept(tmp_path, children, installed.environment, lines)
        kept.complete()
        yield kept
    assert processes.marked(children.mark) == []


def recovers(kept, old, sent=()):
    """Tasks that wait now are done soon, and nothing of the old cluster is left."""
    sent = [*sent, kept.send("touch")]
    assert within(RECOVERED, lambda: all(path.exists() for path in sent))
    assert within(RECOVERED, lambda: not any(processes.is_running(part) for part in old.values()))


@pytest.mark.parametrize("part", ["main", "sentinel", "worker 0", "worker 1", "monitor", "pusher"])
def test_a_part_that_is_killed_while_the_cluster_is_idle(kept, part):
    old = kept.complete()
    os.kill(old[part].pid, signal.SIGKILL)
    recovers(kept, old)


def test_a_busy_worker_that_is_killed_with_tasks_waiting_behind_it(kept):
    old = kept.complete()
    running = [kept.send("busy") for _ in range(WORKERS)]
    assert within(RECOVERED, lambda: all(path.exists() for path in running))
    waiting = [kept.send("touch") for _ in range(WAITING)]
    os.kill(old["worker 0"].pid, signal.SIGKILL)
    recovers(kept, old, waiting)


def test_sigterm_to_the_main_process_by_somebody_else(kept):
    old = kept.complete()
    os.kill(old["main"].pid, signal.SIGTERM)
    recovers(kept, old)


def test_sigterm_to_the_clusters_process_group(kept):
    old = kept.complete()
    os.killpg(old["main"].pid, signal.SIGTERM)
    recovers(kept, old)


def test_sigterm_to_the_supervisors_process_group(kept):
    old = kept.complete()
    supervisor = kept.supervisor()
    for process in (supervisor, *processes.children(supervisor.pid)):
        os.kill(process.pid, signal.SIGTERM)
    recovers(kept, old)


def test_a_task_that_swallows_everything_is_ended_with_its_cluster(kept):
    old = kept.complete()
    stubborn = kept.send("swallow", seconds=2)
    assert within(RECOVERED, stubborn.exists)
    gone = lambda: not processes.is_running(old["worker 0"]) or not processes.is_running(old["worker 1"])  # noqa: E731
    assert within(RECOVERED, gone)
    recovers(kept, old)


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_payload_that_cannot_be_unpickled(kept, payload):
    old = kept.complete()
    kept.shell(
        f"{payload}; from django.db.models.functions import Now; from jobs.models import Message;"
        "Message.objects.create(queue='render', payload=payload, due_at=Now())"
    )
    assert within(RECOVERED, kept.send("touch").exists)
    assert within(RECOVERED, lambda: not checker_queue.messages(kept.environment["DATABASE_URL"]))
    assert kept.parts() == old  # it did not even cost a restart
