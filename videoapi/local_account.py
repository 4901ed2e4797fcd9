"""The account that `make run` makes for its user: staff, with a password, a token and some DUST.

What was printed once is kept beside the database, readable by its owner only, so that the next start
prints the same. For development: nothing of it happens with `DEBUG` off.
"""

import dataclasses
import json
import os
import secrets
from pathlib import Path
from typing import Any

from accounts import tokens
from accounts.errors import CredentialsRefused
from accounts.models import User
from dust import ledger

USERNAME = "demo"
GRANT = 1000  # DUST
FILE = "demo.json"


@dataclasses.dataclass(frozen=True)
class LocalAccount:
    """What a person needs to sign in, and a program to call the API.

    `link_secret` is in the link that `make run` prints: only who has it is told the password on a page.
    """

    username: str
    password: str
    token: str
    link_secret: str


def ensure(folder: Path) -> LocalAccount:
    """Return the account, made or mended as needed so that what it says is true."""
    kept = _kept(folder / FILE)
    password = kept.get("password") or secrets.token_urlsafe(9)
    user = _user(password)
    account = LocalAccount(
        USERNAME,
        password=password,
        token=_token(user, kept.get("token", "")),
        link_secret=kept.get("link_secret") or secrets.token_urlsafe(16),
    )
    _keep(folder / FILE, account)
    return account


def known(folder: Path) -> LocalAccount | None:
    """Return the account as the last start left it; None if there was none."""
    try:
        return LocalAccount(**_kept(folder / FILE))
    except (OSError, TypeError, ValueError):  # none, not ours to read, or not what we write
        return None


def _user(password: str) -> User:
    user, created = User.objects.get_or_create(username=USERNAME)
    if created:
        purse = ledger.open_account(user.pk)
        ledger.grant(purse.pk, GRANT, key=f"local:{user.pk}", actor="run", reason="To try it out.")
    user.is_active = user.is_staff = user.is_superuser = True
    if not user.check_password(password):  # each new hash signs all sessions out
        user.set_password(password)
    user.save(update_fields=["is_active", "is_staff", "is_superuser", "password"])
    return user


def _token(user: User, kept: str) -> str:
    try:
        if tokens.authenticate(kept)[0] == user:
            return kept
    except CredentialsRefused:
        pass  # none yet, revoked, or of a database that is gone
    return tokens.issue(user, name="make run")[1]


def _kept(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _keep(path: Path, account: LocalAccount) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dataclasses.asdict(account), file)
    new.replace(path)
