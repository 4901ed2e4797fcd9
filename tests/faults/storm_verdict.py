"""What is judged after a storm beside books and files: the queue, and what the product's own commands say."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import checker_books, checker_files, checker_queue
from tests.faults.storm_machines import Machine

TWO_DAYS = 2 * 86400.0
QUIET_SECONDS = 60.0  # for the last messages and for jobs that no client waits for
REMOVED = re.compile(r"^orphaned files removed: (\d+)$", re.MULTILINE)

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


def on_work(database_url: str, redis_url: str, *, seconds: float = QUIET_SECONDS) -> list[str]:
    """Judge jobs and queue while the workers still run: what counts is that they run empty.

    Clients wait for the jobs that they have a receipt for; a job that nobody knows of must end as well.
    Pulses follow one another as long as clusters live, but none may stay.
    """
    deadline = time.monotonic() + seconds
    pulses: set[str] | None = None
    while True:
        jobs = checker_books.unfinished(database_url)
        messages = checker_queue.messages(database_url, redis_url)
        left = {each for each in messages if each.job_id or pulses is None or each.mark in pulses}
        if pulses is None and not jobs and not any(each.job_id for each in messages):
            pulses = {each.mark for each in messages}
        elif pulses is not None:
            pulses &= {each.mark for each in messages}
        if not jobs and not left:
            return []
        if time.monotonic() > deadline:
            when = f"{seconds:.0f} s after the last client was satisfied"
            names = "".join(f"\n  {each}" for each in sorted(left))
            return [f"queue: {len(left)} messages are left and {jobs} jobs have not ended {when}{names}"]
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
