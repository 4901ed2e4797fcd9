"""Say whether this machine's worker does its work: for the health check of a container."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from base.outages import AWAY
from jobs import workers


class Command(BaseCommand):
    help = (
        "Exit with status 1 when a queue's cluster on this machine gives no sign of life. Status 0 also when "
        "the database can't be asked: a worker endures that, and must not be ended for it."
    )
    requires_system_checks = ()  # called every half minute: it starts as cheaply as it can

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", help="what this machine serves (default: WORKER_QUEUES)")

    def handle(self, *args: Any, queues: list[str], **options: Any) -> None:
        try:
            silent = sorted({*(queues or settings.WORKER_QUEUES)} - workers.queues_served_here())
        except AWAY as error:
            self.stdout.write(f"The database does not answer, so nothing is known: {error}")
            return
        if silent:
            raise CommandError(f"No sign of life here from: {', '.join(silent)}.", returncode=1)
        self.stdout.write("ok")
