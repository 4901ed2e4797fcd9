"""An API token from the command line, alone on standard output."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import MAX_TOKEN_NAME_LENGTH, User
from base.errors import DomainError
from dust import ledger

MAX_DAYS = 36_500


class Command(BaseCommand):
    help = (
        "Make an API token for a user (made too if there is none of that name) and print it once, alone "
        "on standard output; everything else goes to standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--grant", type=_whole(least=0), default=0, metavar="N", help="DUST to add.")
        parser.add_argument("--name", type=_name, default="command line", help="What the token is for.")
        parser.add_argument("--days", type=_whole(least=1, most=MAX_DAYS), metavar="N", help="Days it works.")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            with transaction.atomic():  # the user, the token and the dust, or nothing
                user = _user(options["username"])
                token, secret = tokens.issue(user, name=options["name"], expires_at=expires_at)
                _grant(user, options["grant"], key=f"create_token:{token.id}")
        except DomainError as error:
            raise CommandError(error.message) from error
        until = f"until {expires_at:%Y-%m-%d}" if expires_at else "until it is revoked"
        note = f"Token {token.prefix}… for {user.username}, {until}. It is shown only now."
        self.stderr.write(note, self.style.SUCCESS)  # else red, as an error is
        self.stdout.write(secret)


def _user(username: str) -> User:
    wanted = User(username=User.normalize_username(username), password=make_password(None))  # an unusable one
    try:
        wanted.clean_fields()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    user, _ = User.objects.get_or_create(username=wanted.username, defaults={"password": wanted.password})
    if not user.is_active:
        raise CommandError(f"{user.username} is not active: no token of theirs would work.")
    return user


def _grant(user: User, amount: int, *, key: str) -> None:
    account = ledger.open_account(user.pk)
    if amount:
        ledger.grant(account.pk, amount, key=key, actor="create_token", reason="Granted on the command line.")


def _name(text: str) -> str:
    if not (0 < len(text) <= MAX_TOKEN_NAME_LENGTH and text.isprintable()):
        raise argparse.ArgumentTypeError(f"a name has 1 to {MAX_TOKEN_NAME_LENGTH} printable characters")
    return text


def _whole(*, least: int, most: int = 10**18) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return parse
