"""Users that an identity provider vouches for: its JWTs, checked against its published keys."""

import functools
import logging
import re
import time
from typing import Any

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.errors import CredentialsRefused, IdentityProviderAway
from accounts.models import ExternalIdentity, User
from base.ids import uuid7

logger = logging.getLogger(__name__)

LEEWAY_SECONDS = 60  # how far the provider's clock and ours may differ
KEYS_FETCH_TIMEOUT_SECONDS = 5
KEYS_KEPT_SECONDS = 300
UNKNOWN_KEY_PAUSE_SECONDS = 30  # least time between two looks for a key id we don't know
FAILED_FETCH_PAUSE_SECONDS = 5
MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core 1.0, section 2

_JWT_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


def looks_like_jwt(token: str) -> bool:
    """Return True for three base64url parts, also where the last one, the signature, is empty."""
    return _JWT_SHAPE.fullmatch(token) is not None


def authenticate(token: str) -> User:
    """Return the user that the provider's `token` speaks for.

    Raise CredentialsRefused, or IdentityProviderAway when the provider's keys cannot be had.
    """
    claims = _verified_claims(token)
    user = user_of(issuer=claims["iss"], subject=claims["sub"])
    if not user.is_active:
        raise CredentialsRefused
    return user


def user_of(*, issuer: str, subject: str) -> User:
    """Return the user linked to this identity; the first time it is seen, make both.

    An e-mail claim never finds a user. Providers let people type in addresses they don't own, and pass
    addresses on to the next person: whoever could have ours say `alice@example.com` would become Alice.
    `iss` and `sub` together are the only pair a provider promises never to give to anyone else.
    """
    return _linked_user(issuer, subject) or _link_new_user(issuer, subject)


def _linked_user(issuer: str, subject: str) -> User | None:
    return User.objects.filter(identities__issuer=issuer, identities__subject=subject).first()


def _link_new_user(issuer: str, subject: str) -> User:
    try:
        with transaction.atomic():
            user = User.objects.create_user(f"sso-{uuid7().hex}")  # no password given: an unusable one
            ExternalIdentity.objects.create(user=user, issuer=issuer, subject=subject)
            return user
    except IntegrityError:  # the same person's other first request won; its user stands, ours is rolled back
        return User.objects.get(identities__issuer=issuer, identities__subject=subject)


def _verified_claims(token: str) -> dict[str, Any]:
    if not (settings.JWT_ISSUER and settings.JWT_AUDIENCE and settings.JWT_JWKS_URL):
        raise CredentialsRefused
    try:
        claims = jwt.decode(
            token,
            key=_signing_key(token),
            algorithms=settings.JWT_ALGORITHMS,  # ours, never the token's: `none` and HS256 tricks end here
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
        )
        _check_subject(claims["sub"])
    except (jwt.PyJWTError, RecursionError) as error:  # deep nesting in a hostile header is a RecursionError
        logger.info("JWT refused: %.200r", error)
        raise CredentialsRefused from error
    return claims


def _signing_key(token: str) -> jwt.PyJWK:
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in settings.JWT_ALGORITHMS:
        raise jwt.InvalidAlgorithmError("alg is not one of JWT_ALGORITHMS")
    if not header.get("kid"):
        raise jwt.InvalidTokenError("no kid")
    return _published_keys(settings.JWT_JWKS_URL).get_signing_key(header["kid"])


def _check_subject(subject: str) -> None:
    # Not printable: NUL and lone surrogates too, which no database stores.
    if not (0 < len(subject) <= MAX_SUBJECT_LENGTH and subject.isprintable()):
        raise jwt.InvalidTokenError("sub must be 1 to 255 printable characters")


@functools.cache
def _published_keys(url: str) -> "PublishedKeys":
    return PublishedKeys(url)


class PublishedKeys(jwt.PyJWKClient):
    """The provider's keys, kept for a while; strangers' tokens cannot make us fetch them in a loop.

    PyJWKClient already pauses between fetches for unknown key ids, but only after a fetch that worked.
    We pause after failures too: else every request during an outage would wait for its own timeout.
    """

    def __init__(
        self,
        url: str,
        *,
        unknown_key_pause: float = UNKNOWN_KEY_PAUSE_SECONDS,
        failed_fetch_pause: float = FAILED_FETCH_PAUSE_SECONDS,
    ) -> None:
        super().__init__(
            url,
            timeout=KEYS_FETCH_TIMEOUT_SECONDS,
            lifespan=KEYS_KEPT_SECONDS,
            cooldown_duration=unknown_key_pause,
        )
        self.failed_fetch_pause = failed_fetch_pause
        self.next_fetch_at = 0.0  # on the monotonic clock

    def fetch_data(self) -> Any:
        """Return the key set from the provider. Raise IdentityProviderAway."""
        if time.monotonic() < self.next_fetch_at:
            raise IdentityProviderAway
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, OSError, ValueError) as error:  # refused, cut off, or not a key set at all
            self.next_fetch_at = time.monotonic() + self.failed_fetch_pause
            logger.warning("No keys from %s: %.200r", self.uri, error)
            raise IdentityProviderAway from error
