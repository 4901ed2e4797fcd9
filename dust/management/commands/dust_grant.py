"""Gives a user DUST."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from dust import ledger
from dust.errors import DustError


class Command(BaseCommand):
    help = "Give a user DUST. With --key, saying it twice gives it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("amount", type=int, help="whole DUST, at least 1")
        parser.add_argument("--reason", required=True, help="shown to the user beside the amount")
        parser.add_argument("--key", help="name of this one grant; made up when left out")

    def handle(self, *, username: str, amount: int, reason: str, key: str | None, **options: Any) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        account = ledger.open_account(user.pk)
        try:
            movement = ledger.grant(
                account.pk, amount, key=key or f"command:{uuid.uuid4()}", actor="dust_grant", reason=reason
            )
        except DustError as error:
            raise CommandError(error.message) from error
        verb = "Granted" if movement.created else "Had already granted"
        left = ledger.balance(user.pk).available
        self.stdout.write(f"{verb} {amount} DUST to {username}, who can now spend {left}.")
