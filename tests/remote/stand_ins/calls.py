"""Webhooks as providers sign and send them."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Sent = tuple[dict[str, str], bytes]  # the headers and the body


def secret() -> str:
    """Return a new secret, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(uuid.uuid4().bytes + uuid.uuid4().bytes).decode()}"


def standard(body: Any, *secrets: str, at: float | None = None) -> Sent:
    """Sign by Standard Webhooks, once for each secret."""
    content, ident, stamp = _content(body), f"msg_{uuid.uuid4().hex}", _stamp(at)
    signed = f"{ident}.{stamp}.".encode() + content
    keys = [base64.b64decode(each.removeprefix("whsec_")) for each in secrets]
    digests = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    signatures = " ".join(f"v1,{digest}" for digest in digests)
    return {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": signatures}, content


def openrouter(body: Any, *secrets: str, at: float | None = None) -> Sent:
    """Sign as OpenRouter does: time, comma, body."""
    content, stamp = _content(body), _stamp(at)
    signed = f"{stamp},".encode() + content
    digests = [hmac.new(each.encode(), signed, hashlib.sha256).hexdigest() for each in secrets]
    signature = ",".join((f"t={stamp}", *(f"v1={digest}" for digest in digests)))
    headers = {"X-OpenRouter-Signature": signature, "X-OpenRouter-Idempotency-Key": uuid.uuid4().hex}
    return headers, content


def fal(body: Any, key: Ed25519PrivateKey, *, at: float | None = None) -> Sent:
    """Sign as fal does."""
    content = _content(body)
    parts = (uuid.uuid4().hex, "user_2a1b", _stamp(at))
    signed = "\n".join((*parts, hashlib.sha256(content).hexdigest())).encode()
    names = ("Request-Id", "User-Id", "Timestamp", "Signature")
    values = (*parts, key.sign(signed).hex())
    return {f"X-Fal-Webhook-{name}": value for name, value in zip(names, values, strict=True)}, content


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the public half as a key set has it."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def post(address: str, origin: str, sent: Sent) -> int:
    """Send it to the server at `origin`, whatever host the address names; return the status."""
    headers, content = sent
    url = origin + urlsplit(address).path
    request = urllib.request.Request(url, content, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _content(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _stamp(at: float | None) -> str:
    return str(int(time.time() if at is None else at))
