"""The addresses at which providers' webhooks are heard.

That of a submission ends with a signature of ours, so that nobody else can name one: not for what it would
tell, but so that what strangers send is dropped before anything is read or asked.
"""

import uuid
from urllib.parse import quote

from django.conf import settings
from django.core import signing

SALT = "jobs.callbacks"


def of_submission(alias: str, key: uuid.UUID) -> str:
    """Return the address for one submission."""
    signature = _signer().signature(_named(alias, key))
    return f"{of_account(alias)}/{key}/{signature}"


def of_account(alias: str) -> str:
    """Return the address for all of a model's account, which is entered at the provider by hand."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/providers/{quote(alias, safe='')}/webhook"


def is_ours(alias: str, key: uuid.UUID, signature: str) -> bool:
    """Return whether we have given away this address; also with a key of SECRET_KEY_FALLBACKS."""
    try:
        _signer().unsign(f"{_named(alias, key)}:{signature}")
    except signing.BadSignature:
        return False
    return True


def _named(alias: str, key: uuid.UUID) -> str:
    return f"{key} {alias}"


def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT)
