"""`manage.py worker`: run jobs until stopped."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from base.postgresql.connection import limit_statements
from jobs import supervisor
from jobs.queues import counts


class Command(BaseCommand):
    help = (
        "Run jobs until SIGTERM or Ctrl-C. Supervises a qcluster for each queue and exits with status 1 when "
        "it had to end them: have whatever runs this start it again."
    )
    requires_system_checks = ()  # the qcluster that it starts makes them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queue",
            action="append",
            metavar="NAME=PROCESSES",
            help="serve this queue with so many processes; may be repeated (default: WORKER_QUEUES)",
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=30.0,
            help="seconds that running jobs get to finish when stopped (default: %(default)s)",
        )
        parser.add_argument(
            "--pulse-timeout",
            type=float,
            default=60.0,
            help="seconds without a sign of life, while work waits, after which the cluster is ended "
            "(default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["pulse_timeout"] <= 2 * settings.WORKER_PULSE_SECONDS:
            raise CommandError("--pulse-timeout must be more than twice WORKER_PULSE_SECONDS.")
        limit_statements(settings.WORKER_DATABASE_TIMEOUT_SECONDS)  # the heartbeat's and the sweep's
        fault = supervisor.supervise(
            queues=_queues(options["queue"]),
            grace=options["grace"],
            pulse_timeout=options["pulse_timeout"],
        )
        if fault:
            raise CommandError(fault, returncode=1)


def _queues(given: list[str] | None) -> dict[str, int]:
    if not given:
        return dict(settings.WORKER_QUEUES)
    try:
        return counts(",".join(given))
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
