"""Take jobs from workers that are gone, fail those that waited too long, wake forgotten ones."""

from typing import Any

from jobs import housekeeping
from jobs.chores import ChoreCommand


class Command(ChoreCommand):
    help = __doc__

    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[housekeeping.Count]:
        return [*housekeeping.reap_jobs(dry_run=dry_run), *housekeeping.requeue_lost(dry_run=dry_run)]
