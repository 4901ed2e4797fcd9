"""Finding and ending marked processes, orphans included, and never a stranger."""

import dataclasses
import os
import subprocess
import sys
import time

import pytest

from base import guard, processes

ORPHANS = "import subprocess; subprocess.Popen(['sleep', '60']); subprocess.Popen(['sleep', '60'])"


@pytest.fixture
def mark():
    made = f"TEST_MARK={processes.new_id()}"
    yield made
    assert processes.end_all(made) == []


def start(mark, *command):
    name, _, value = mark.partition("=")
    return subprocess.Popen(command, env={**os.environ, name: value})


@pytest.fixture(params=["proc", "ps"])
def source(request, monkeypatch):
    """Both places that processes are read from: the second is what macOS has."""
    monkeypatch.setattr(processes, "HAS_PROC", request.param == "proc")


@pytest.mark.usefixtures("source")
def test_it_ends_what_was_orphaned_long_ago(mark):
    start(mark, sys.executable, "-c", ORPHANS).wait()
    assert len(processes.marked(mark)) == 2
    assert processes.end_all(mark) == []
    assert processes.marked(mark) == []


@pytest.mark.usefixtures("source")
def test_another_mark_is_another_matter(mark):
    with start(mark, "sleep", "60") as mine:
        processes.end_all(f"{mark}0")
        assert processes.is_running(processes.find(mine.pid))
        assert processes.end_all(mark) == []


def test_it_ends_descendants_that_dropped_the_mark(mark):
    with start(mark, "sh", "-c", "env -i sleep 60; true") as shell:
        deadline = time.monotonic() + 10
        while not (clean := processes.children(shell.pid)):
            assert time.monotonic() < deadline
        processes.end_all(mark)
    assert not processes.is_running(clean[0])


def test_a_reused_pid_is_left_alone(mark):
    with start(mark, "sleep", "60") as mine:
        now = processes.find(mine.pid)
        processes.kill(dataclasses.replace(now, started=now.started - 1))
        assert processes.is_running(now)
        processes.end_all(mark)


def test_killing_what_is_gone_is_no_error(mark):
    with start(mark, "sleep", "60") as mine:
        there = processes.find(mine.pid)
        processes.kill(there)
    assert not processes.is_running(there)
    processes.kill(there)


def test_a_zombie_counts_as_gone(mark):
    with start(mark, "true") as mine:
        os.waitid(os.P_PID, mine.pid, os.WEXITED | os.WNOWAIT)
        assert processes.find(mine.pid) is None


def test_the_guard_ends_what_its_owner_left(mark):
    """The owner is killed with no chance to clean up."""
    name, _, value = mark.partition("=")
    owner = (
        "import os, subprocess, time; from base import guard\n"
        f"with guard.over({mark!r}):\n"
        f"    subprocess.Popen(['sleep', '60'], env={{**os.environ, {name!r}: {value!r}}})\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        assert len(processes.marked(mark)) == 1
        process.kill()
        process.stdout.read()  # ends when the guard, the last to hold it, is gone
    assert processes.marked(mark) == []


def test_nothing_is_left_at_the_end_of_a_guarded_block(mark):
    with guard.over(mark) as watching:
        child = start(mark, "sleep", "60")
    assert child.wait() == -9
    assert watching.poll() == 0
