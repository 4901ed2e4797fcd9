"""API tokens: issue, revoke, authenticate. The secret exists once, in the answer of `issue`."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import CharField, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.errors import CredentialsRefused
from accounts.models import ApiToken, User
from base.prepared import Place, Prepared

PREFIX = "vg_live_"  # lets people, and secret scanners, see what a leaked string is
SECRET_BYTES = 32
SHOWN_CHARACTERS = len(PREFIX) + 4
USE_RECORDED_EVERY = timedelta(hours=1)  # "still in use?" needs no better, and requests stay reads

_BY_DIGEST = Prepared(
    ApiToken.objects.usable().filter(digest=Place("digest", CharField())).select_related("user")
)


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
    token = _BY_DIGEST.first(digest=_digest(secret))
    if token is None:
        raise CredentialsRefused
    if token.last_used_at is None or timezone.now() - token.last_used_at > USE_RECORDED_EVERY:
        _record_use(token)
    return token.user, token


def _record_use(token: ApiToken) -> None:
    # Our clock only chose to ask; the database's decides. Of many requests at once, one writes.
    stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - USE_RECORDED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=Now())


def _digest(secret: str) -> str:
    # A fast hash is right here: 256 random bits cannot be guessed, a password's slow hash would only
    # make every request slow, and looking the digest up leaks nothing of the secret by its timing.
    return hashlib.sha256(secret.encode()).hexdigest()
