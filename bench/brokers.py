"""`make bench-brokers`: how soon and how fast each place for the queue has tasks run. It asserts nothing.

Every contender has a database and a worker of two processes of its own; they are measured in turns. `WAITING`
are the numbers of messages, `ROUNDS` how often all is measured, `BENCH_DATABASE_URL` a PostgreSQL server for
new databases, `BENCH_REDIS_URL` an empty Redis database, `BENCH_BROKERS_JSON` the file to write.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import databases, report

ROOT = Path(__file__).resolve().parent.parent
REDIS = "redis://127.0.0.1:6379/11"
CONTENDERS = {
    "database, PostgreSQL": {},
    "database, SQLite": {"DATABASE": databases.SQLITE},
    "redis (jobs in PostgreSQL)": {"QUEUE_BROKER": "redis"},
    "the engine's own, PostgreSQL": {"DJANGO_SETTINGS_MODULE": "bench.stock"},
}
WAITING = "0,10000,100000"
LEAST = 1000  # to be worth timing: what is put into the queue where the others wait for none
TASKS, SECONDS, IDLE_SECONDS = 25, 5.0, 10.0
WIDTH, CELL = 34, 30
Cells = dict[str, dict[str, Any]]


class Contender:
    """A process that measures one broker when asked."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "bench.broker"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        self._line()

    def ask(self, verb: str, **options: Any) -> Any:
        """Return what it measured."""
        self._process.stdin.write(json.dumps([verb, options]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def close(self) -> None:
        """Have it stop its worker, and wait until it has."""
        self._process.stdin.close()
        self._process.wait()

    def _line(self) -> str:
        if line := self._process.stdout.readline():
            return str(line)
        raise RuntimeError(f"it ended with status {self._process.wait()}")


def main() -> None:
    """Measure all of them in turns, print the table, write everything."""
    server = os.environ.get("BENCH_DATABASE_URL") or databases.LOCAL
    sizes = [int(size) for size in (os.environ.get("WAITING") or WAITING).split(",")]
    with contextlib.ExitStack() as stack:
        contenders = {
            name: stack.enter_context(_started(server, changes)) for name, changes in CONTENDERS.items()
        }
        found = measure(contenders, sizes, rounds=int(os.environ.get("ROUNDS") or 3))
    about = report.machine(server)
    path = Path(os.environ.get("BENCH_BROKERS_JSON") or "bench-brokers.json")
    path.write_text(json.dumps({"machine": about, "brokers": found}, indent=1) + "\n")
    print("\n".join(table(about, found, sizes)))
    print(f"\nAll figures: {path}")


def measure(contenders: dict[str, Contender], sizes: list[int], *, rounds: int) -> Cells:
    """Return all figures of each contender. Every round goes through them in the opposite order."""
    found: Cells = {
        name: {"idle": [], "latency": {n: [] for n in sizes}, "throughput": {n: [] for n in sizes}}
        for name in contenders
    }
    order = list(contenders.items())
    for _ in range(rounds):
        order.reverse()
        for waiting in sizes:
            for name, contender in order:
                found[name]["latency"][waiting].append(contender.ask("latency", waiting=waiting, times=TASKS))
                speed = contender.ask("throughput", waiting=max(waiting, LEAST), seconds=SECONDS)
                found[name]["throughput"][waiting].append(speed)
        for name, contender in order:  # last: a young database is vacuumed, a first sweep is thorough
            found[name]["idle"].append(contender.ask("idle", seconds=IDLE_SECONDS))
    return found


def table(about: dict[str, Any], found: Cells, sizes: list[int]) -> Iterator[str]:
    """Yield the lines: a column for each number of messages; over the rounds, median (least to most)."""
    yield f"{about['processor']}, {about['cores']} cores, load {about['load']:.1f} at the end"
    yield f"{about['database']}; Python {about['python']}, django-q2 {about['django-q2']}; {about['commit']}"
    yield ""
    yield "Commit to start, one at a time, idle worker: ms, half within / 99 of 100 within"
    yield _line("messages in a queue nobody serves", [f"{size:,}" for size in sizes])
    for name, cells in found.items():
        yield _line(f"  {name}", [_latency(cells["latency"][size]) for size in sizes])
    yield ""
    yield "Tasks that do nothing, per second, two worker processes"
    yield _line("messages in the queue", [f"{max(size, LEAST):,}" for size in sizes])
    for name, cells in found.items():
        yield _line(f"  {name}", [_spread(cells["throughput"][size]) for size in sizes])
    yield ""
    yield "Transactions per second of an idle worker, all its processes"
    for name, cells in found.items():
        if known := [value for value in cells["idle"] if value is not None]:
            yield _line(f"  {name}", [_spread(known)])


def _latency(rounds: list[list[float]]) -> str:
    halves = [1000 * statistics.median(one) for one in rounds]
    every = [1000 * value for one in rounds for value in one]
    worst = statistics.quantiles(every, n=100, method="inclusive")[98]
    return f"{_spread(halves)} / {worst:.0f}"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<{WIDTH}}" + "".join(f"{cell:>{CELL}}" for cell in cells)


@contextlib.contextmanager
def _started(server: str, changes: dict[str, str]) -> Iterator[Contender]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        url = stack.enter_context(databases.throw_away(changes.get("DATABASE", server), Path(folder)))
        contender = Contender(
            {
                **databases.production(folder, url),
                "REDIS_URL": os.environ.get("BENCH_REDIS_URL") or REDIS,
                "WORKER_QUEUES": "render=2",
                **changes,
            }
        )
        stack.callback(contender.close)
        yield contender


if __name__ == "__main__":
    main()
