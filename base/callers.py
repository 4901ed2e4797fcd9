"""Who calls comes from the credentials; a `user_id` in the body may only repeat it."""

import uuid
from collections.abc import Mapping
from typing import Any, cast

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request


def user_id(request: Request) -> uuid.UUID:
    """Return the id of the caller of a view that asks for credentials."""
    return cast(uuid.UUID, request.user.pk)


def check_user_id(request: Request) -> None:
    """Raise PermissionDenied if the body carries a `user_id` that is not the caller's own."""
    body = request.data
    if isinstance(body, Mapping) and "user_id" in body and not _same(body["user_id"], user_id(request)):
        raise PermissionDenied(
            "The user_id sent is not yours. Leave it out: your credentials say who you are."
        )


def _same(given: Any, pk: uuid.UUID) -> bool:
    try:
        return isinstance(given, str) and uuid.UUID(given) == pk
    except ValueError:
        return False
