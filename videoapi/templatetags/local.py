"""The account that `make run` made, for the sign-in page of the person who runs it."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.utils.crypto import constant_time_compare

from videoapi import local_account
from videoapi.local_account import LocalAccount

HERE = ("localhost", "127.0.0.1", "::1")

register = template.Library()


@register.simple_tag(takes_context=True)
def demo_account(context: Mapping[str, Any]) -> LocalAccount | None:
    """Return the account to offer; None unless this is development and the link of `make run` was followed.

    The account may do everything, and a request through a proxy or a tunnel, or by another user of this
    machine, can look like one of the person who runs this. The secret in the link tells them apart. A request
    that says it comes from elsewhere gets no account even with it.
    """
    request = context["request"]
    secret = request.GET.get("demo", "")
    if not settings.DEBUG or not secret or not _may_be_here(request):
        return None
    account = local_account.known(settings.DATA_DIR)
    return account if account and constant_time_compare(secret, account.link_secret) else None


def _may_be_here(request: Any) -> bool:
    name = urlsplit(f"//{request.get_host()}").hostname
    forwarded = any(header in request.headers for header in ("Forwarded", "X-Forwarded-For"))
    try:
        return name in HERE and not forwarded and ip_address(request.META["REMOTE_ADDR"]).is_loopback
    except ValueError:  # a socket has no address
        return False
