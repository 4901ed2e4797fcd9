"""Remove stored files that nothing refers to, and report videos whose file is gone."""

import datetime
from argparse import ArgumentParser
from typing import Any

from jobs import housekeeping
from jobs.chores import ChoreCommand


class Command(ChoreCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--hours", type=float, help="Only files older than this. Default: ORPHAN_AGE_SECONDS."
        )

    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[housekeeping.Count]:
        hours = options["hours"]
        age = None if hours is None else datetime.timedelta(hours=hours)
        return housekeeping.remove_orphans(age=age, dry_run=dry_run)
