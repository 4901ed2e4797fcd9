"""The table that people read, and what is to be said about the machine."""

import datetime
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg

from bench import databases, noise
from bench.noise import Spread

PACKAGES = ("Django", "djangorestframework", "psycopg", "uvicorn", "django-q2")
WIDTH, CELL = 46, 24
Cell = Callable[[dict[str, Any]], str]


def machine(server: str) -> dict[str, Any]:
    """Return what the figures depend on beside the code."""
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _git("describe", "--always", "--dirty"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "database": _database(server),
        **{name: metadata.version(name) for name in PACKAGES},
    }


def table(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table: a column for each size, in it median (and quartiles) over the rounds."""
    about, sizes = found["machine"], found["sizes"]
    machine = f"{about['processor']}, {about['cores']} cores; {about['system']}"
    yield f"{machine}; load {about['load']:.1f} at the start"
    yield f"{about['database']}; Python {about['python']}, Django {about['Django']}; commit {about['commit']}"
    yield ""
    yield _line("finished jobs in the table", [f"{size['jobs']:,}" for size in sizes])
    for title, rows in _sections(sizes).items():
        yield ""
        yield title
        for name, cell in rows.items():
            yield _line(f"  {name}", [cell(size) for size in sizes])


def _sections(sizes: list[dict[str, Any]]) -> dict[str, dict[str, Cell]]:
    smallest = sizes[0]
    growth = "milliseconds; how often that of the bare view; (that, against the smallest table)"
    return {
        "Status polls, one after another in one process": _compared("polls", "bare", "bare view"),
        "Status polls, 8 connections to one uvicorn": _compared("http_polls", "bare", "bare view"),
        "Submits, one after another": {
            **_compared("submits", "by hand", "by hand"),
            "a commit alone, ms": lambda size: _milliseconds(size["submits"]["commit"]),
        },
        "Submit to start, one job at a time, idle worker": {
            "half of them within, ms": lambda size: _milliseconds(size["starts"]),
            "nine of ten within, ms": lambda size: f"{1000 * _tenths(size['starts'])[-1]:.1f}",
            "the longest, ms": lambda size: f"{1000 * max(size['starts']):.1f}",
        },
        f"Reads: {growth}": _grown("reads", smallest),
        f"With 10,000 jobs waiting: {growth}": _grown("backlog", smallest),
    }


def _compared(key: str, other: str, name: str) -> dict[str, Cell]:
    return {
        "ours, per second": lambda size: _rate(size[key]["ours"]),
        f"{name}, per second": lambda size: _rate(size[key][other]),
        f"ours / {name}": lambda size: _spread(noise.ratio(size[key], "ours", other)),
        f"noise: {name} / itself": lambda size: _spread(noise.ratio(size[key], "control", other)),
    }


def _grown(key: str, smallest: dict[str, Any]) -> dict[str, Cell]:
    def cell(name: str) -> Cell:
        def show(size: dict[str, Any]) -> str:
            multiple = noise.ratio(size[key], "bare view", name).median
            first = noise.ratio(smallest[key], "bare view", name).median
            return f"{_milliseconds(size[key][name])}  x{multiple:.1f}  ({multiple / first:.2f})"

        return show

    return {name: cell(name) for name in smallest[key]}


def _rate(seconds: list[float]) -> str:
    return f"{1 / statistics.median(seconds):,.0f}"


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.2f}"


def _tenths(values: list[float]) -> list[float]:
    return statistics.quantiles(values, n=10, method="inclusive")


def _spread(found: Spread) -> str:
    return f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<{WIDTH}}" + "".join(f"{cell:>{CELL}}" for cell in cells)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _database(server: str) -> str:
    if server == databases.SQLITE:
        import sqlite3

        return f"SQLite {sqlite3.sqlite_version}"
    with psycopg.connect(server) as connection:
        major, minor = divmod(connection.info.server_version, 10_000)
        return f"PostgreSQL {major}.{minor}"
