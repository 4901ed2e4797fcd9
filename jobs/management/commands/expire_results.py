"""Clear what jobs keep for clients once their result time is over. The videos stay in the library."""

from typing import Any

from jobs import housekeeping
from jobs.chores import ChoreCommand


class Command(ChoreCommand):
    help = __doc__

    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[housekeeping.Count]:
        return housekeeping.expire_results(dry_run=dry_run)
