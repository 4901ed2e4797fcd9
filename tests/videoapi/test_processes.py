"""Children of one command: prefixed, restarted where asked, and all gone at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from base import processes as system
from tests import ports
from videoapi import local
from videoapi.processes import Children, Program, ProgramEnded
from videoapi.terminal import Screen

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120  # seconds for what takes a moment, on a machine that is busy


def python(name: str, code: str, *, restart: bool = False) -> Program:
    return Program(name, (sys.executable, "-uc", code), restart=restart)


def within(seconds: float, condition) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def lines():
    return []


@pytest.fixture
def children(lines):
    with Children(environment={"COLOUR": "blue"}, write=lines.append) as running:
        yield running


def test_each_line_has_its_programs_name_before_it(children, lines):
    children.start(python("web", "import time; print('one'); print('two'); time.sleep(60)"))
    children.start(python("worker", "import os; print(os.environ['COLOUR'])", restart=True))
    expected = {"web    | one\n", "web    | two\n", "worker | blue\n"}
    assert within(PATIENCE, lambda: expected <= set(lines))


def test_one_that_died_is_started_again(children, lines, tmp_path):
    starts = tmp_path / "starts"
    count = f"import os; open({str(starts)!r}, 'a').write('x'); os.kill(os.getpid(), 9)"
    children.start(python("worker", count, restart=True))
    assert within(PATIENCE, lambda: starts.exists() and starts.read_text().startswith("xx"))
    assert any("starting it again in 1 s" in line for line in lines)
    children.check()


def test_one_that_must_not_end_ends_everything(children):
    children.start(python("web", "raise SystemExit(3)"))
    with pytest.raises(ProgramEnded, match=r"The web process ended \(exit status 3\)"):
        children.wait()


def test_nothing_is_left_of_children_that_ignore_the_request(lines):
    stubborn = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '120'], start_new_session=True); print('up'); time.sleep(120)"
    )
    with Children(environment={}, write=lines.append, stop_seconds=1.0) as running:
        running.start(python("web", stubborn))
        assert within(PATIENCE, lambda: len(lines) > 0)
        assert len(system.marked(running.mark)) == 2
        began = time.monotonic()
    assert system.marked(running.mark) == []
    assert time.monotonic() - began < 60


def test_a_program_asked_to_stop_may_finish(lines):
    polite = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit()))\n"
        "print('up'); time.sleep(60)"
    )
    with Children(environment={}, write=lines.append, stop_seconds=PATIENCE) as running:
        running.start(python("web", polite))
        assert within(PATIENCE, lambda: len(lines) > 0)
    assert lines[-1] == "web    | bye\n"


KEEPER = """
import django; django.setup()
import sys
from videoapi import processes
from videoapi.processes import Children, Program
with processes.interruptible(), Children(environment={}, write=print, with_parent=%r) as children:
    children.start(Program("web", ("sleep", "900")))
    print(children.mark, flush=True)
    children.wait()
"""


def keep(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True, preexec_fn=listen
    )


def listen() -> None:
    """Heed SIGHUP, also where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_when_the_command_itself_is_ended(number):
    with keep(sys.executable, "-c", KEEPER % False) as keeper:
        mark = keeper.stdout.readline().strip()
        assert within(PATIENCE, lambda: len(system.marked(mark)) == 1)
        keeper.send_signal(number)
        assert within(PATIENCE, lambda: system.marked(mark) == [])
        keeper.communicate(timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_can_end_with_the_process_that_started_it():
    """As `make` may be killed, and tells nobody."""
    with keep("sh", "-c", '"$0" -c "$1"; true', sys.executable, KEEPER % True) as make:
        mark = make.stdout.readline().strip()
        assert within(PATIENCE, lambda: len(system.marked(mark)) == 1)
        make.kill()
        assert within(PATIENCE, lambda: system.marked(mark) == [])
        make.communicate(timeout=PATIENCE)


def test_a_taken_port_is_told_in_a_sentence():
    port = ports.reserve()
    local.require_free("127.0.0.1", port)
    taken = pytest.raises(local.PortTaken, match=rf"port {port}: .* PORT={port + 1} make run")
    with socket.create_server(("127.0.0.1", port)), taken:
        local.require_free("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_the_address_is_one_a_browser_here_can_open(host, address):
    assert local.address(host, 80) == address


class Terminal:
    """Keeps what is written to it; `moving` says whether it is a terminal."""

    def __init__(self, moving: bool):
        self.moving, self.text = moving, ""

    def isatty(self) -> bool:
        return self.moving

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_plain_lines_without_a_terminal():
    output = Terminal(moving=False)
    screen = Screen(output)
    for share in (0.1, 0.2, 0.3):
        screen.progress("generate", share, "Rendering")
    screen.progress("generate", 1, "completed")
    assert output.text == "  generate   Rendering\n  generate   completed\n"


def test_progress_is_one_moving_line_on_a_terminal():
    output = Terminal(moving=True)
    screen = Screen(output)
    screen.progress("generate", 0.5, "Rendering")
    screen.end_progress()
    assert output.text.count("\n") == 1
    assert "[################................]  50%  Rendering" in output.text


def test_a_table_lines_its_columns_up():
    output = Terminal(moving=False)
    Screen(output).table(("kind", "dust"), [("hold", -10), ("grant", 100)])
    assert output.text.splitlines() == ["  kind   dust", "  -----  ----", "  hold    -10", "  grant   100"]
