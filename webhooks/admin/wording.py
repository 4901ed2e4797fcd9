"""How webhooks are put into words for support. Of URLs only hosts: paths and queries may carry secrets."""

import json
from urllib.parse import urlsplit

from webhooks.models import Delivery, Endpoint


def shown_url(url: str) -> str:
    """Return a URL as far as staff may see it."""
    parts = urlsplit(url)
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{rest}"


def standing(endpoint: Endpoint) -> str:
    """Return how an endpoint does, in a few words."""
    if endpoint.disabled_at:
        return f"disabled: {endpoint.disabled_reason}"
    receiver = endpoint.receiver
    if receiver.failures:
        return f"failing: {receiver.failures} in a row"
    return "slow" if receiver.is_slow else "well"


def whereto(delivery: Delivery) -> str:
    """Return where a delivery goes."""
    endpoint = delivery.receiver.endpoint
    return shown_url(delivery.url or (endpoint.url if endpoint else ""))


def body(delivery: Delivery) -> str:
    """Return what is sent, line by line."""
    return json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
