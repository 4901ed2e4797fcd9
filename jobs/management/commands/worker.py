"""`manage.py worker`: run jobs until stopped."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs import supervisor


class Command(BaseCommand):
    help = (
        "Run jobs until SIGTERM or Ctrl-C. Supervises a qcluster and exits with status 1 when it had to "
        "end it: have whatever runs this start it again."
    )
    requires_system_checks = ()  # the qcluster that it starts makes them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", default="", help="serve this named queue instead of the default one")
        parser.add_argument(
            "--processes",
            type=int,
            default=settings.WORKER_PROCESSES,
            help="tasks at once (default: WORKER_PROCESSES, now %(default)s)",
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=30.0,
            help="seconds that running tasks get to finish when stopped (default: %(default)s)",
        )
        parser.add_argument(
            "--pulse-timeout",
            type=float,
            default=60.0,
            help="seconds without a sign of life, while work waits, after which the cluster is ended "
            "(default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["processes"] < 1:
            raise CommandError("--processes must be at least 1.")
        if options["pulse_timeout"] <= 2 * settings.WORKER_PULSE_SECONDS:
            raise CommandError("--pulse-timeout must be more than twice WORKER_PULSE_SECONDS.")
        fault = supervisor.supervise(
            queue=options["queue"],
            workers=options["processes"],
            grace=options["grace"],
            pulse_timeout=options["pulse_timeout"],
        )
        if fault:
            raise CommandError(fault, returncode=1)
