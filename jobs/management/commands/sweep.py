"""Do every chore, as the schedule does each minute (and the slow ones each day)."""

from typing import Any

from jobs import housekeeping
from jobs.chores import ChoreCommand


class Command(ChoreCommand):
    help = __doc__

    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[housekeeping.Count]:
        return housekeeping.sweep(dry_run=dry_run, all_chores=True)
