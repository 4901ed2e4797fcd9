"""The ways in which providers sign their webhooks. Pure: no I/O, and the time is in the notice."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence

import jwt

from jobs.providers.exchange import Notice

TOLERANCE = 300  # seconds that their clock and ours may differ, a delivery's way included
MOST = 8  # signatures that are looked at: one for each secret, while secrets are changed


def standard(notice: Notice, secrets: Sequence[str]) -> bool:
    """Return whether a webhook is signed as https://www.standardwebhooks.com has it, by one secret."""
    headers = notice.headers
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    parts = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    given = [signature for version, _, signature in parts if version == "v1"]
    signed = f"{ident}.{stamp}.".encode() + notice.body
    ours = [base64.b64encode(_hmac(key, signed)).decode() for key in map(_standard_key, secrets) if key]
    return bool(ident) and is_recent(stamp, notice.now) and _agree(ours, given)


def stamped(notice: Notice, header: str, secrets: Sequence[str]) -> bool:
    """Return whether a header such as `t=1700000000,v1=hex` signs the time, a comma and the body."""
    parts = [part.strip().partition("=") for part in notice.headers.get(header, "").split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    signed = f"{stamp},".encode() + notice.body
    ours = [_hmac(secret.encode(), signed).hex() for secret in secrets if secret]
    return is_recent(stamp, notice.now) and _agree(ours, given)


def fal(notice: Notice, keys: Sequence[str]) -> bool:
    """Return whether fal has signed a webhook, with one of its published Ed25519 keys (their `x`)."""
    names = ("request-id", "user-id", "timestamp")
    parts = [notice.headers.get(f"x-fal-webhook-{name}", "") for name in names]
    if not all(parts) or not is_recent(parts[2], notice.now):
        return False
    signed = "\n".join((*parts, hashlib.sha256(notice.body).hexdigest())).encode()
    try:
        signature = bytes.fromhex(notice.headers.get("x-fal-webhook-signature", ""))
    except ValueError:
        return False
    return any(_is_signed(signed, signature, key) for key in keys[:MOST])


def is_recent(stamp: str, now: float) -> bool:
    """Return whether a time in whole seconds of the epoch is about now."""
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(now - int(stamp)) <= TOLERANCE


def _is_signed(signed: bytes, signature: bytes, key: str) -> bool:
    algorithm = jwt.algorithms.OKPAlgorithm()
    try:
        public = algorithm.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": key})
    except (jwt.InvalidKeyError, ValueError):
        return False
    return algorithm.verify(signed, public, signature)


def _standard_key(secret: str) -> bytes:
    """Return the bytes that a secret stands for, b"" if it stands for none."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:  # no base64, or not even ASCII
        return b""


def _hmac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def _agree(ours: Iterable[str], given: Sequence[str]) -> bool:
    """Return whether one of ours was given; how nearly can't be told from the time it takes."""
    pairs = [(mine.encode(), theirs.encode()) for mine in ours for theirs in given[:MOST]]
    return any(hmac.compare_digest(mine, theirs) for mine, theirs in pairs)
