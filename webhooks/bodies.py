"""The shapes of this app's answers and messages, for the OpenAPI document; `answers` makes the answers."""

from typing import Any

from rest_framework import serializers

from base.openapi import Problem
from base.pages import PaginationSerializer
from jobs.bodies import Body, FreeForm, JobStatusAnswer
from webhooks.events import EventType
from webhooks.models import State

SHOWN_ONCE = "Signs what is sent. Shown this once: keep it."


class Webhook(serializers.Serializer[Any]):
    """A URL that is told of the caller's jobs."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    event_types = serializers.ListField(child=serializers.ChoiceField(EventType.choices))
    description = serializers.CharField(allow_blank=True)
    is_enabled = serializers.BooleanField(help_text="Whether anything is sent.")
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(allow_null=True, help_text="Why; for people.")
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="The first failure after the last success; null while all is well."
    )
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="After a rotation: until then the secret before signs, too."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class WebhookAnswer(Body):
    """One webhook."""

    webhook = Webhook()


class WebhookWithSecret(WebhookAnswer):
    """One webhook and its new secret."""

    secret = serializers.CharField(help_text=SHOWN_ONCE)


class WebhookList(Body):
    """All webhooks of the caller, oldest first."""

    webhooks = Webhook(many=True)
    count = serializers.IntegerField(min_value=0)


class WebhookDeleted(Body):
    """It is gone."""

    message = serializers.CharField()


class JobSecretAnswer(Body):
    """The new secret for the `webhook_url`s of the caller's jobs."""

    secret = serializers.CharField(help_text=SHOWN_ONCE)
    rotated_at = serializers.DateTimeField()
    previous_secret_until = serializers.DateTimeField(allow_null=True)


class DeliveryAttempt(serializers.Serializer[Any]):
    """One try."""

    at = serializers.DateTimeField(help_text="As its `webhook-timestamp`.")
    url = serializers.CharField()
    status = serializers.IntegerField(allow_null=True, help_text="Of the answer; null if none came.")
    duration_ms = serializers.IntegerField(min_value=0)
    response = serializers.CharField(
        allow_blank=True, help_text="How the answer's body began: at most 1024 bytes."
    )
    error = serializers.CharField(allow_null=True, help_text="What was wrong; null if it was taken.")


class Delivery(serializers.Serializer[Any]):
    """One message to one webhook, and what came of it."""

    id = serializers.UUIDField()
    webhook_id = serializers.CharField(help_text="The `webhook-id` it is sent with.")
    type = serializers.CharField(help_text="One of the event types, or `test.ping`.")
    job_id = serializers.UUIDField(allow_null=True)
    state = serializers.ChoiceField(State.choices)
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="Null once it has ended.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    body = FreeForm(help_text="What is sent.")
    attempts = DeliveryAttempt(many=True, help_text="Newest first.")


class DeliveryAnswer(Body):
    """One delivery."""

    delivery = Delivery()


class DeliveryList(Body):
    """One page of a webhook's deliveries, newest first."""

    deliveries = Delivery(many=True)
    pagination = PaginationSerializer()


class JobMessage(serializers.Serializer[Any]):
    """What is posted to a webhook."""

    type = serializers.ChoiceField(EventType.choices)
    timestamp = serializers.DateTimeField(help_text="When it happened.")
    data = JobStatusAnswer(  # type: ignore[assignment]  # a field, which the metaclass takes away
        help_text="The job as `GET /videos/jobs/{job_id}/status` said it then."
    )


class TooManyWebhooksProblem(Problem):
    """Delete one first."""

    limit = serializers.IntegerField(help_text="How many webhooks one user may have.")
