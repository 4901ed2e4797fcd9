"""The bodies and queries that clients send: strict, bounded, each refusal by field."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from base import pages
from base.fields import Choice, Flag, StrictSerializer, Text
from jobs.requests import ReceiverUrl
from webhooks.events import EventType
from webhooks.models import State

DESCRIPTION_CHARACTERS = 200


def _types() -> serializers.ListField:
    return serializers.ListField(
        child=Choice(EventType.choices),
        required=False,
        allow_empty=False,
        max_length=len(EventType),
        help_text="What to tell; all five if missing.",
    )


class NewWebhook(StrictSerializer):
    """A URL to tell of the caller's jobs."""

    url = ReceiverUrl(help_text="A public http or https URL, on port 80 or 443.")
    event_types = _types()
    description = Text(
        max_length=DESCRIPTION_CHARACTERS, required=False, allow_blank=True, help_text="In your own words."
    )


class WebhookChange(StrictSerializer):
    """What is given is changed, the rest stays."""

    url = ReceiverUrl(required=False, help_text="A public http or https URL, on port 80 or 443.")
    event_types = _types()
    description = Text(
        max_length=DESCRIPTION_CHARACTERS, required=False, allow_blank=True, help_text="In your own words."
    )
    is_enabled = Flag(required=False, help_text="False: nothing is sent. True: from now on it is.")


class DeliveriesQuery(pages.PageQuery):
    """A page of a webhook's deliveries."""

    state = serializers.ChoiceField(State.choices, required=False)


def new_webhook(request: Request) -> dict[str, Any]:
    """Return the checked fields of a new webhook. Raise ValidationError."""
    return {"event_types": list(EventType.values), **_checked(NewWebhook, request)}


def change(request: Request) -> dict[str, Any]:
    """Return the checked fields of a change. Raise ValidationError."""
    return _checked(WebhookChange, request)


def _checked(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return {name: value for name, value in checked.validated_data.items() if name != "user_id"}


class Nothing(StrictSerializer):
    """No fields: there is nothing to say."""


def nothing(request: Request) -> None:
    """Check that the body says nothing. Raise ValidationError."""
    _checked(Nothing, request)
