"""What a production start refuses, and the secret key a local one makes for itself."""

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MIN_SECRET_LENGTH = 50


def generated_secret_key(data_dir: Path, *, allowed: bool) -> str:
    """Return the secret key kept in `data_dir`, made at the first call; "" where that is not allowed."""
    if not allowed:
        return ""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = data_dir / f"secret_key.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        # A link is made whole or not at all: of processes starting at once one wins, the others read its key.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()


def production_problems(settings: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each unsafe value; none in development (`DEBUG=true`)."""
    if settings["DEBUG"]:
        return []
    problems = []
    if len(settings["SECRET_KEY"]) < MIN_SECRET_LENGTH:
        problems.append(f"SECRET_KEY must be set to at least {MIN_SECRET_LENGTH} random characters.")
    if not settings["ALLOWED_HOSTS"]:
        problems.append("ALLOWED_HOSTS must name the hosts this installation answers for.")
    if "*" in settings["ALLOWED_HOSTS"]:
        problems.append("ALLOWED_HOSTS must not be '*'.")
    if settings["OUTBOUND_ALLOWED_HOSTS"]:
        problems.append("OUTBOUND_ALLOWED_HOSTS opens the guard on users' URLs; it is for tests only.")
    jwt = [settings["JWT_ISSUER"], settings["JWT_AUDIENCE"], settings["JWT_JWKS_URL"]]
    if any(jwt) and not all(jwt):
        problems.append("JWT_ISSUER, JWT_AUDIENCE and JWT_JWKS_URL must be set together.")
    if settings["JWT_JWKS_URL"] and not settings["JWT_JWKS_URL"].startswith("https://"):
        problems.append("JWT_JWKS_URL must be https: whoever can change the keys can be anybody.")
    weak = ("HS", "none", "NONE", "None")
    symmetric = [name for name in settings["JWT_ALGORITHMS"] if name.startswith(weak)]
    if symmetric:
        problems.append(f"JWT_ALGORITHMS must be asymmetric; {', '.join(symmetric)} is not.")
    return problems
