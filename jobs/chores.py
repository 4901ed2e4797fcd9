"""The base of the clean-up commands: `--dry-run`, and one line for each count."""

import abc
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.housekeeping import Count


class ChoreCommand(BaseCommand, abc.ABC):
    """Does a chore and prints what it changed, or with `--dry-run` what it would."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Change nothing; print what would be changed."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for count in self.do(dry_run=options["dry_run"], options=options):
            self.stdout.write(f"{'would be: ' if options['dry_run'] else ''}{count}")

    @abc.abstractmethod
    def do(self, *, dry_run: bool, options: dict[str, Any]) -> list[Count]:
        """Do the chore and return the counts."""
