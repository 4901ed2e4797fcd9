"""Delete jobs that ended long ago. Their money and their videos are not touched."""

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
            "--days", type=float, help="Only jobs that ended longer ago. Default: JOB_RETENTION_DAYS."
        )

    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[housekeeping.Count]:
        days = options["days"]
        age = None if days is None else datetime.timedelta(days=days)
        return housekeeping.purge_jobs(age=age, dry_run=dry_run)
