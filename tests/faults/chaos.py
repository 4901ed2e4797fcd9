"""What goes wrong in a storm: deaths, stops and freezes at moments and of victims that a seed chooses."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from base import processes
from base.processes import Process
from tests.faults.servers import Server
from tests.faults.storm_machines import Machine, parts_by_role
from tests.faults.storm_providers import Providers

# Each comes once, in any order after FIRST; after that, this is how often each is drawn.
WEIGHTS = {
    "web": 10,
    "supervisor": 6,
    "main": 5,
    "sentinel": 5,
    "pusher": 5,
    "monitor": 5,
    "worker": 5,
    "busy worker": 9,
    "driver": 10,
    "examiner": 3,
    "guard": 3,
    "render": 20,
    "redis": 6,
    "postgresql": 5,
    "freeze busy worker": 5,
    "freeze machine": 3,
    "freeze redis": 2,
    "freeze postgresql": 2,
    "freeze driver": 3,
    "freeze provider": 4,
    "stop worker": 6,
    "stop web": 5,
}
# before the rest, and as soon as there is one: without these a short storm would say little
FIRST = ("postgresql", "redis", "web", "driver")
LOOK_SECONDS = 0.1


@dataclass
class Chaos(threading.Thread):
    """Does one of `WEIGHTS` every `pause` seconds or so, until told to end."""

    chance: random.Random
    webs: list[Machine]
    workers: list[Machine]
    servers: dict[str, Server]
    providers: Providers
    lease: float
    pause: tuple[float, float]
    say: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__(name="chaos", daemon=True)
        self.error = ""
        self._ending = threading.Event()
        self._later: list[tuple[float, Callable[[], None]]] = []
        absent = {"redis", "postgresql"} - self.servers.keys()
        self._kinds = [kind for kind in WEIGHTS if kind.split()[-1] not in absent]
        first = [kind for kind in FIRST if kind in self._kinds]
        rest = [kind for kind in self._kinds if kind not in FIRST]
        self._unseen = self.chance.sample(first, len(first)) + self.chance.sample(rest, len(rest))
        self._revivals: list[threading.Thread] = []
        self._down: set[str] = set()

    # a dataclass with fields has no hash, and threads are kept in sets
    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        try:
            strike_at = time.monotonic() + self.chance.uniform(*self.pause)  # the first one meets work, too
            while not self._ending.wait(LOOK_SECONDS):
                self._catch_up()
                if time.monotonic() >= strike_at:
                    self._strike()
                    strike_at = time.monotonic() + self.chance.uniform(*self.pause)
            self._catch_up(everything=True)
            for revival in self._revivals:
                revival.join()
        except Exception as error:
            self.error = f"chaos itself failed: {error!r}"
            raise

    def end(self) -> None:
        """Strike no more; let go on what is frozen, and start what is down."""
        self._ending.set()
        self.join()

    @property
    def kills(self) -> Counter[str]:
        """What was killed -9, and how often."""
        done = self.done.copy()
        return Counter({what: n for what, n in done.items() if not what.startswith(("stop", "freeze"))})

    @property
    def interruptions(self) -> int:
        """How many things were killed or stopped: what was frozen goes on, and puts its work away."""
        return sum(count for what, count in self.done.items() if not what.startswith("freeze"))

    def _strike(self) -> None:
        self._seen: dict[str, dict[str, list[Process]]] = {}  # looking costs time: once a strike
        for _ in range(20):  # nobody may be rendering just now, or the server is down already
            kind = self._unseen.pop(0) if self._unseen else self._draw()
            if victim := self._try(kind):
                self.done[kind] += 1
                self.say(f"{kind}: {victim}")
                return
            if not self.done[kind]:
                self._unseen.insert(1 if kind in FIRST else len(self._unseen), kind)

    def _draw(self) -> str:
        return self.chance.choices(self._kinds, [WEIGHTS[kind] for kind in self._kinds])[0]

    def _try(self, kind: str) -> str:
        """Do it and say to whom; "" if there is nobody."""
        name = kind.split()[-1]
        if name == "provider":
            return self._freeze_provider()
        if name in self.servers:
            return self._strike_server(name, freeze=kind.startswith("freeze"))
        if kind in ("web", "stop web"):
            return self._strike_program(self.chance.choice(self.webs), kill=kind == "web")
        machine = self.chance.choice(self.workers)
        if kind == "stop worker":
            return self._strike_program(machine, kill=False)
        if kind == "freeze machine":
            return self._freeze_machine(machine)
        if machine.name not in self._seen:
            self._seen[machine.name] = parts_by_role(machine)
        victims = self._seen[machine.name][kind.removeprefix("freeze ")]
        if not victims:
            return ""
        victim = self.chance.choice(victims)
        if kind.startswith("freeze"):
            return self._freeze(victim, f"{machine.name}, {victim.pid}")
        if kind == "guard":
            machine.guard_killed_at = time.monotonic()
        processes.kill(victim)
        return f"{machine.name}, {victim.pid}"

    def _strike_program(self, machine: Machine, *, kill: bool) -> str:
        program = machine.process
        if program is None or program.poll() is not None:
            return ""
        if kill:
            program.kill()
        else:
            machine.ask_to_stop()
        return machine.name

    def _strike_server(self, name: str, *, freeze: bool) -> str:
        server, seconds = self.servers[name], self.chance.uniform(0.3, 4.0)
        if name in self._down:
            return ""
        self._down.add(name)
        if freeze:
            server.freeze()
        else:
            server.kill()
        revival = threading.Thread(target=self._revive, args=(name, freeze))  # recovery takes its time
        self._after(seconds, revival.start)
        self._revivals.append(revival)
        return f"for {seconds:.1f} s"

    def _freeze_provider(self) -> str:
        if "provider" in self._down:
            return ""
        self._down.add("provider")
        seconds = self.chance.uniform(0.3, 4.0)
        self.providers.freeze()
        self._after(seconds, self._thaw_provider)
        return f"for {seconds:.1f} s"

    def _thaw_provider(self) -> None:
        self.providers.thaw()
        self._down.discard("provider")

    def _revive(self, name: str, freeze: bool) -> None:
        if freeze:
            self.servers[name].thaw()
        else:
            self.servers[name].start()
        self._down.discard(name)

    def _freeze_machine(self, machine: Machine) -> str:
        """Nobody can be held to a deadline before it goes on."""
        victims = machine.parts()
        if not victims:
            return ""

        def thaw() -> None:
            _signal_all(victims, signal.SIGCONT)
            machine.thawed_at = time.monotonic()
            if machine.guard_killed_at > frozen_at:
                machine.guard_killed_at = machine.thawed_at  # it could not be noticed before

        frozen_at = time.monotonic()
        seconds = self._longer_than_a_lease()
        machine.thawed_at = time.monotonic() + seconds
        _signal_all(victims, signal.SIGSTOP)
        self._after(seconds, thaw)
        return f"{machine.name}, for {seconds:.1f} s"

    def _freeze(self, victim: Process, name: str) -> str:
        seconds = self._longer_than_a_lease()
        _signal_all([victim], signal.SIGSTOP)
        self._after(seconds, lambda: _signal_all([victim], signal.SIGCONT))
        return f"{name}, for {seconds:.1f} s"

    def _longer_than_a_lease(self) -> float:
        return self.lease + self.chance.uniform(0.5, 4.0)

    def _after(self, seconds: float, action: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    def _catch_up(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        due = [(at, action) for at, action in self._later if everything or at <= now]
        self._later = [each for each in self._later if each not in due]
        for _, action in due:
            action()


def _signal_all(victims: list[Process], number: signal.Signals) -> None:
    for process in victims:
        with contextlib.suppress(ProcessLookupError):
            if processes.is_running(process):
                os.kill(process.pid, number)
