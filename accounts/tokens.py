"""API tokens: issue, revoke, authenticate. The secret exists once, in the answer of `issue`."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from accounts.errors import CredentialsRefused
from accounts.models import ApiToken, User

PREFIX = "vg_live_"  # lets people, and secret scanners, see what a leaked string is
SECRET_BYTES = 32
SHOWN_CHARACTERS = len(PREFIX) + 4
USE_RECORDED_EVERY = timedelta(hours=1)  # "still in use?" needs no better, and requests stay reads

_USE_UNRECORDED = Q(last_used_at=None) | Q(last_used_at__lt=Now() - USE_RECORDED_EVERY)


def issue(user: User, *, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Make a token for `user`; return it with its secret, which cannot be had again."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        user=user, name=name, expires_at=expires_at, prefix=secret[:SHOWN_CHARACTERS], digest=_digest(secret)
    )
    return token, secret


def revoke(token: ApiToken) -> bool:
    """Make `token` useless from now on. Return False if it already was revoked."""
    return bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now()))


def authenticate(secret: str) -> tuple[User, ApiToken]:
    """Return the user and the token that `secret` belongs to. Raise CredentialsRefused."""
    found = ApiToken.objects.usable().filter(digest=_digest(secret)).select_related("user")
    token = found.annotate(use_unrecorded=ExpressionWrapper(_USE_UNRECORDED, BooleanField())).first()
    if token is None:
        raise CredentialsRefused
    if token.use_unrecorded:
        ApiToken.objects.filter(_USE_UNRECORDED, pk=token.pk).update(last_used_at=Now())
    return token.user, token


def _digest(secret: str) -> str:
    # A fast hash is right here: 256 random bits cannot be guessed, a password's slow hash would only
    # make every request slow, and looking the digest up leaks nothing of the secret by its timing.
    return hashlib.sha256(secret.encode()).hexdigest()
