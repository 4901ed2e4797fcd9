"""Secrets for signing: made, kept sealed, opened for the moment of signing.

A sealed secret can be opened with this installation's SECRET_KEY (or one of SECRET_KEY_FALLBACKS), which is
not in the database: whoever reads a copy of that can sign nothing.
"""

import base64
import contextlib
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

PREFIX = "whsec_"
SECRET_BYTES = 32  # Standard Webhooks wants 24 to 64


class Unreadable(Exception):
    """The secret was sealed with a SECRET_KEY that is known no more: it must be rotated."""


def new() -> str:
    """Return a fresh secret, as Standard Webhooks writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal(secret: str) -> str:
    """Return what may be stored of a secret."""
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the secret. Raise Unreadable."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def resealed(sealed: str) -> str:
    """Return the same, sealed with today's SECRET_KEY; "" if it is already. Raise Unreadable."""
    with contextlib.suppress(InvalidToken):
        _sealer(settings.SECRET_KEY).decrypt(sealed.encode())
        return ""
    return seal(unseal(sealed))


def _fernet() -> MultiFernet:
    return MultiFernet([_sealer(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _sealer(key: str) -> Fernet:
    # SECRET_KEY has 50 random characters or more: one hash makes the 32 bytes, and parts this use from others
    digest = hashlib.sha256(b"webhooks.keys\0" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
