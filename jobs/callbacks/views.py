"""Where providers' webhooks arrive. Not part of the API: no credentials, and each refusal is the same 404."""

import time
import uuid
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.parsers import PayloadTooLarge
from base.throttles import CallbackThrottle
from jobs.callbacks import hearing, links
from jobs.providers.remote import Notice

STRANGERS_BYTES = 64 * 1024
MOST_BYTES = 4 * 1024 * 1024  # as of an answer to a poll: some tell the input again, pictures and all


class CallbackView(APIView):
    """What both addresses have in common."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    parser_classes: Any = ()  # the signature is over the bytes
    throttle_classes: Any = (CallbackThrottle,)
    schema = None


class SubmissionCallbackView(CallbackView):
    """The address that went along with one submission."""

    def post(self, request: Request, alias: str, key: uuid.UUID, signature: str) -> Response:
        if not links.is_ours(alias, key, signature):  # before its body is looked at
            raise Http404
        return heard(hearing.of_submission(alias, key, notice(request, MOST_BYTES)))


class AccountCallbackView(CallbackView):
    """The address that was entered at a provider for all that it makes."""

    def post(self, request: Request, alias: str) -> Response:
        return heard(hearing.of_account(alias, notice(request, STRANGERS_BYTES)))


def notice(request: Request, max_bytes: int) -> Notice:
    """Return the request as adapters read it. Raise PayloadTooLarge."""
    body = request.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise PayloadTooLarge
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Notice(headers=headers, body=body, now=time.time())


def heard(is_genuine: bool) -> Response:
    """Return the 200 that some insist on. Raise Http404 for what is not genuine."""
    if not is_genuine:
        raise Http404
    return Response({"success": True})
