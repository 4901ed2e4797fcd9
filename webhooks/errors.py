"""What a caller of the webhooks domain can be told."""

import contextlib
from collections.abc import Iterator

from django.core.exceptions import ObjectDoesNotExist

from base.errors import DomainError


class NoSuchWebhook(DomainError):
    """Not found."""

    code = "not_found"


class TooManyWebhooks(DomainError):
    """You have as many webhooks as is allowed. Delete one first."""

    code = "too_many_webhooks"


class WebhookDisabled(DomainError):
    """This webhook is disabled. Enable it first."""

    code = "webhook_disabled"


class StillPending(DomainError):
    """This delivery is still being tried."""

    code = "delivery_pending"


@contextlib.contextmanager
def unless_gone() -> Iterator[None]:
    """Raise NoSuchWebhook where a row is missed: it was deleted since it was looked up."""
    try:
        yield
    except ObjectDoesNotExist as error:
        raise NoSuchWebhook from error
