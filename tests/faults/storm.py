"""A storm: clients order, cancel, play and delete while everything is killed at random; then a verdict.

    python -m tests.faults.storm --minutes 10 [--seed N] [--database sqlite] [--broker redis]

A third of the orders go to remote models, whose providers are stand-ins in this process: what they have taken
is compared with what the installation says.

Everything that is chosen is chosen by the seed, which is printed first. What processes make of it is theirs:
the same seed is the same storm, not the same weather.
"""

import argparse
import contextlib
import random
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.faults import (
    checker,
    checker_books,
    client_media,
    servers,
    storm_machines,
    storm_plan,
    storm_report,
    storm_verdict,
)
from tests.faults.chaos import Chaos
from tests.faults.client import PatientClient
from tests.faults.client_journal import Journal
from tests.faults.client_user import User
from tests.faults.storm_machines import ROOT, Machine
from tests.faults.storm_plan import LEASE_SECONDS, MAX_ATTEMPTS, OPENING_GRANT, Plan
from tests.faults.storm_providers import Providers
from tests.faults.storm_report import Report

READY_SECONDS = 240.0  # one of CI took 80, on a machine that was busy with others


class Storm:
    """One storm in a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        self.plan, self.folder, self._say = plan, folder, say
        self.media = folder / "media"
        self.servers: dict[str, servers.Server] = {}
        self.database_url = f"sqlite:///{folder / 'storm.sqlite3'}"
        self.redis_url = ""
        self._started = time.monotonic()
        self._strikes = (folder / "strikes.log").open("w", buffering=1)

    def run(self) -> Report:
        """Let it blow, let it settle, and judge."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._strikes.close)
            self._start_servers(stack)
            self._picture_url = stack.enter_context(client_media.serving(client_media.pictures()[0]))
            self._providers = stack.enter_context(Providers(self.plan.seed))
            self._environment = storm_plan.environment(
                self.plan,
                self.folder,
                self._providers,
                database_url=self.database_url,
                redis_url=self.redis_url,
            )
            self._manage("migrate", "--verbosity=0")
            journals, tokens = self._make_users()
            webs, workers = stack.enter_context(self._machines())
            self._wait_until_ready(webs[0], tokens[journals[0].user])
            self._log(f"ready, {len(journals)} users")
            users = self._users(journals, tokens, webs)
            chaos = self._blow(webs, workers, users)
            self._settle(users)
            redis_url = self.redis_url if self.plan.broker == "redis" else ""
            violations = storm_verdict.on_work(self.database_url, redis_url)
            self._log("stopping")
            violations += _stop(webs, workers)
            violations += [chaos.error] if chaos.error else []
            violations += self._judge(workers, journals, chaos)
            books = checker_books.read(self.database_url)
            storm_report.write_stories(self.folder, books, self._providers.taken())
            times = checker_books.durations(self.database_url)
            sold = self._providers.sold()
            return Report(
                self.plan.seed, self.plan.seconds, journals, books, times, sold, chaos.done, violations
            )

    # --- before --------------------------------------------------------------------------------------

    def _start_servers(self, stack: contextlib.ExitStack) -> None:
        if self.plan.sqlite:
            return
        postgresql = stack.enter_context(servers.PostgreSQL(self.folder))
        redis = stack.enter_context(servers.Redis(self.folder))
        self.servers = {"postgresql": postgresql, "redis": redis}
        self.database_url, self.redis_url = postgresql.url, redis.url

    def _manage(self, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self._environment, **more}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done

    def _make_users(self) -> tuple[list[Journal], dict[str, str]]:
        """Every fourth user is poor: has what everybody starts with, and must earn refunds to go on."""
        grants = {f"user{n}": 0 if n % 4 == 3 else 100_000 for n in range(self.plan.users)}
        code = (
            "import io\nfrom django.core.management import call_command\n"
            f"for name, grant in {grants!r}.items():\n"
            "    options = ['--grant', str(grant)] if grant else []\n"
            "    out = io.StringIO()\n"
            "    call_command('create_token', name, *options, stdout=out)\n"
            "    print('TOKEN', name, out.getvalue().strip())\n"
        )
        printed = self._manage("shell", "--no-imports", "-c", code).stdout
        pairs = [line.split()[1:] for line in printed.splitlines() if line.startswith("TOKEN ")]
        return [Journal(name, granted=grant + OPENING_GRANT) for name, grant in grants.items()], dict(pairs)

    @contextlib.contextmanager
    def _machines(self) -> Iterator[tuple[list[Machine], list[Machine]]]:
        webs, workers = self.plan.machines
        chance = random.Random(f"{self.plan.seed} pauses")
        pooled = {"DATABASE_POOL": "false" if self.plan.sqlite else "true"}
        # the guard on users' URLs can be opened for this machine's picture server in development only
        allowed = {"DEBUG": "true", "OUTBOUND_ALLOWED_HOSTS": urlsplit(self._picture_url).netloc}
        options = {"folder": self.folder, "pause": lambda: chance.uniform(0.1, 1.5)}
        serving = [
            storm_machines.web(n, environment={**self._environment, **pooled}, **options) for n in range(webs)
        ]
        working = [
            storm_machines.worker(n, environment={**self._environment, **allowed}, **options)
            for n in range(workers)
        ]
        for machine in (*serving, *working):
            machine.start()
        try:
            yield serving, working
        finally:
            _stop(serving, working)

    def _wait_until_ready(self, web: Machine, token: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        headers = {"Authorization": f"Bearer {token}"}
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                answer = httpx2.get(f"{web.address}/videos/stats", headers=headers, trust_env=False)
                if answer.status_code == 200 and answer.json()["is_running"]:
                    return
            time.sleep(0.3)
        raise AssertionError(f"not ready in {READY_SECONDS:.0f} s: see {self.folder}")

    # --- during --------------------------------------------------------------------------------------

    def _users(self, journals: list[Journal], tokens: dict[str, str], webs: list[Machine]) -> list[User]:
        self._closing = threading.Event()
        addresses = [web.address for web in webs]
        return [
            User(
                journal,
                PatientClient(addresses, tokens[journal.user]),
                chance=random.Random(f"{self.plan.seed} {journal.user}"),
                pictures=client_media.pictures(),
                picture_url=self._picture_url,
                closing=self._closing,
                patience=self.plan.patience,
                most_open=4 if number % 5 == 4 else 3,  # some go over MAX_ACTIVE_JOBS
            )
            for number, journal in enumerate(journals)
        ]

    def _blow(self, webs: list[Machine], workers: list[Machine], users: list[User]) -> Chaos:
        chaos = Chaos(
            chance=random.Random(f"{self.plan.seed} chaos"),
            webs=webs,
            workers=workers,
            servers=self.servers,
            providers=self._providers,
            lease=LEASE_SECONDS,
            pause=self.plan.pause,
            say=self._log,
        )
        for user in users:
            user.start()
        chaos.start()
        ends = time.monotonic() + self.plan.seconds
        while chaos.is_alive():
            late = time.monotonic() - ends
            if late > 3 * self.plan.seconds or (late > 0 and self._has_shown_enough(chaos, users, late)):
                break
            time.sleep(0.5)
        chaos.end()
        self._log(f"the storm is over: {chaos.kills.total()} kills, {chaos.done.total()} strikes")
        calm_ends = time.monotonic() + self.plan.patience
        while not self._is(self.plan.least.is_served, users) and time.monotonic() < calm_ends:
            time.sleep(0.5)
        return chaos

    def _has_shown_enough(self, chaos: Chaos, users: list[User], late: float) -> bool:
        shown = self.plan.least.is_under_way if late > self.plan.seconds else self.plan.least.is_served
        return self.plan.least.is_struck(chaos.kills) and self._is(shown, users)

    def _is(self, reached: Callable[..., bool], users: list[User]) -> bool:
        return reached([user.journal for user in users], taken=self._providers.sold().taken)

    def _settle(self, users: list[User]) -> None:
        self._closing.set()
        deadline = time.monotonic() + self.plan.patience + 120
        for user in users:
            user.join(max(0.0, deadline - time.monotonic()))
            if user.is_alive():
                user.journal.odd(None, "the client never came to an end")
        self._log("settled")

    # --- after ---------------------------------------------------------------------------------------

    def _judge(self, workers: list[Machine], journals: list[Journal], chaos: Chaos) -> list[str]:
        """Look at the disk before our own clean-up does: it would hide what should never have been there."""
        works = self._providers.taken()
        return [
            *checker.check_leftovers(
                self.database_url, self.media, journals, interruptions=chaos.interruptions
            ),
            *storm_verdict.on_commands(
                workers,
                manage=self._manage,
                database_url=self.database_url,
                media=self.media,
                log=self._log,
            ),
            *checker.check(self.database_url, self.media, journals, works, max_attempts=MAX_ATTEMPTS),
        ]

    def _log(self, line: str) -> None:
        text = f"{time.monotonic() - self._started:7.1f} s  {line}"
        self._strikes.write(f"{text}\n")
        self._say(text)


def _stop(*groups: list[Machine]) -> list[str]:
    machines = [machine for group in groups for machine in group]
    for machine in machines:
        machine.close()
    for machine in machines:
        machine.join()
    return [violation for machine in machines for violation in machine.violations]


def run(plan: Plan, say: Callable[[str], None], *, keep: bool = False) -> Report:
    """Run a storm in a temporary folder, which is kept if there was a violation (or `keep`)."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(servers.scratch())
        report = Storm(plan, folder, say).run()
        if report.violations or keep:
            kept = folder.with_name(f"{folder.name}-kept")
            shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("postgresql"))
            say(f"logs and files: {kept}")
    return report


def main() -> int:
    """Run the storm that the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--broker", choices=("database", "redis"), default="database")
    parser.add_argument("--keep", action="store_true", help="keep logs and files also when all is well")
    parser.add_argument("--users", type=int, default=Plan.users)
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    print(
        f"SEED={seed} MINUTES={options.minutes:g} on {options.database}, queue in {options.broker}",
        flush=True,
    )
    plan = Plan(
        seed=seed,
        seconds=options.minutes * 60,
        sqlite=options.database == "sqlite",
        broker=options.broker,
        users=options.users,
    )
    report = run(plan, lambda line: print(line, flush=True), keep=options.keep)
    print(report)
    if shortfall := plan.shortfall(jobs=report.acknowledged, kills=report.kills.total()):
        print(shortfall)
    return 1 if report.violations or shortfall else 0


if __name__ == "__main__":
    sys.exit(main())
