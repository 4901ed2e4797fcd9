"""Checks that every DUST is where the books say it is."""

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dust import audit
from dust.audit import Report


class Command(BaseCommand):
    help = "Check every rule of the DUST ledger. Exits with 1 when one is broken. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, as_json: bool, **options: Any) -> None:
        report = audit.report()
        self.stdout.write(_json(report) if as_json else _text(report))
        if broken := len(report.violations):
            raise CommandError(f"{broken} violation{'s' if broken > 1 else ''} of the ledger's rules.")


def _json(report: Report) -> str:
    return json.dumps(dataclasses.asdict(report), default=str, indent=2)


def _text(report: Report) -> str:
    system = ", ".join(f"{name} {total}" for name, total in report.system.items())
    lines = [
        f"{report.accounts} accounts, {report.transfers} transfers",
        f"users own {report.posted} DUST, {report.held} of it held",
        f"system accounts: {system}",
        *(str(violation) for violation in report.violations),
    ]
    return "\n".join(lines if report.violations else [*lines, "Every rule holds."])
