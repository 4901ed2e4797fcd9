"""Tells whether a webhook is the API's own, by the Standard Webhooks scheme (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from videoapi_client.errors import WebhookVerificationError

TOLERANCE_SECONDS = 300.0


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Any:
    """Return what a webhook says: `{"type": "job.completed", "timestamp": …, "data": …}`.

    `body` is the request's body as it came: parsed and written again it would not be the same bytes. Several
    secrets may be given while one is replaced. `tolerance` is how many seconds its time may differ from now.
    Raise WebhookVerificationError.

    The same webhook may arrive more than once: its `webhook-id` is the same then.
    """
    text = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    moment = _header(given, "webhook-timestamp")
    _check_time(moment, tolerance, time.time() if now is None else now)
    content = f"{_header(given, 'webhook-id')}.{moment}.".encode() + text
    signatures = [one[3:] for one in _header(given, "webhook-signature").split(" ") if one.startswith("v1,")]
    for one in [secret] if isinstance(secret, str) else secret:
        expected = base64.b64encode(hmac.digest(_key(one), content, hashlib.sha256))
        if any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
            return _event(text)
    raise WebhookVerificationError("No signature of this webhook is right.")


def _header(headers: dict[str, str], name: str) -> str:
    if not headers.get(name):
        raise WebhookVerificationError(f"The header {name} is missing.")
    return headers[name]


def _check_time(moment: str, tolerance: float, now: float) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
        raise WebhookVerificationError("webhook-timestamp is not a time.")
    if abs(now - int(moment)) > tolerance:
        raise WebhookVerificationError("This webhook is too old, or from the future.")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise WebhookVerificationError("The secret is not one: whsec_ and base64.")
    return key


def _event(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WebhookVerificationError("The webhook is signed, but not JSON.") from error
