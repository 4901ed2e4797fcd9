"""What is judged after a storm beside books and files: the queue, and what the product's own commands say."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import checker_books, checker_files
from tests.faults.storm_machines import Machine

TWO_DAYS = 2 * 86400.0
QUIET_SECONDS = 60.0  # for the last messages and for jobs that no client waits for
REMOVED = re.compile(r"^orphaned files removed: (\d+)$", re.MULTILINE)

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


def on_work(database_url: str, redis_url: str) -> list[str]:
    """Judge jobs and queue while the workers still run: what counts is that they run empty.

    Clients wait for the jobs that they have a receipt for; a job that nobody knows of must end as well.
    """
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        jobs = checker_books.unfinished(database_url)
        messages = checker_books.waiting(database_url, redis_url)
        if not jobs and not messages:
            return []
        if time.monotonic() > deadline:
            when = f"{QUIET_SECONDS:.0f} s after the last client was satisfied"
            return [f"queue: {messages} messages are left and {jobs} jobs have not ended {when}"]
        time.sleep(0.1)


def on_commands(
    workers: list[Machine], *, manage: Manage, database_url: str, media: Path, log: Callable[[str], None]
) -> list[str]:
    """Have every machine clean up, and the books audited by the product itself."""
    violations, removed = [], 0
    orphans = checker_files.orphans(checker_books.read(database_url), media)
    for machine in workers:
        work = Path(machine.environment["DATA_DIR"], "work")
        for folder in work.glob("*"):  # of renders that were cut short: kept for a day
            os.utime(folder, (time.time() - TWO_DAYS,) * 2)
        done = manage("remove_orphans", "--hours=0", check=False, DATA_DIR=machine.environment["DATA_DIR"])
        log(f"remove_orphans on {machine.name}: {done.stdout.strip()!r}")
        removed += sum(map(int, REMOVED.findall(done.stdout)))
        if done.returncode or "videos without their file: 0" not in done.stdout:
            violations.append(f"command: remove_orphans: {done.stdout} {done.stderr[-1000:]}")
        if left := [folder.name for folder in work.glob("*")]:
            violations.append(f"files: work folders are left on {machine.name}: {left}")
    if removed != len(orphans):
        names = sorted(orphans)
        violations.append(
            f"command: remove_orphans removed {removed} files, {len(orphans)} had no row: {names}"
        )
    done = manage("reconcile_dust", check=False)
    if done.returncode:
        violations.append(f"command: reconcile_dust: {done.stdout} {done.stderr[-1000:]}")
    return violations
