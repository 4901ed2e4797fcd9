"""Who is told of jobs, and what they were told."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from base.ids import uuid7
from jobs import clock

URL_CHARACTERS = 2000


class Signing(models.Model):
    """The secrets that messages are signed with, sealed by `keys`: after a rotation two, for a while."""

    secret = models.TextField(editable=False)
    previous_secret = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until then the secret before signs, too."
    )

    class Meta:
        abstract = True


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Adjectives for endpoints."""

    def owned_by(self, user_id: Any) -> Self:
        return self.filter(user_id=user_id)

    def enabled(self) -> Self:
        return self.filter(disabled_at=None, user__is_active=True)

    def oldest_first(self) -> Self:
        return self.order_by("id")


class Endpoint(Signing):
    """A URL of a user's that is told of the user's jobs. Written by `endpoints` alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=URL_CHARACTERS)
    event_types = models.JSONField(default=list)
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        permissions = (("test_endpoint", "Can send a test message to a webhook"),)

    def __str__(self) -> str:
        return str(self.id)


class JobSecret(Signing):
    """What signs the messages that go to the `webhook_url`s of one user's jobs."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="webhook_secret"
    )
    rotated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)


class ReceiverQuerySet(models.QuerySet["Receiver"]):
    """Adjectives for receivers. Times are judged by the database's clock."""

    def to_serve(self) -> Self:
        """Neither disabled nor resting, with something to be sent now."""
        is_rested = Q(rests_until=None) | Q(rests_until__lte=clock.now())
        is_wanted = Q(endpoint=None) | Q(endpoint__disabled_at=None)
        due = Delivery.objects.in_turn().filter(receiver=OuterRef("id"))
        return self.filter(is_rested, is_wanted, Exists(due), user__is_active=True)

    def well(self) -> Self:
        """Those whose last answer was a good one, and prompt."""
        return self.filter(failures=0, is_slow=False)

    def in_trouble(self) -> Self:
        return self.exclude(failures=0, is_slow=False)


class Receiver(models.Model):
    """How the server behind an endpoint does, or the one behind the `webhook_url`s of a user's jobs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    endpoint = models.OneToOneField(Endpoint, models.CASCADE, null=True, blank=True, related_name="receiver")
    origin = models.CharField(
        max_length=300, blank=True, help_text="Scheme, host and port of jobs' URLs; empty for an endpoint."
    )
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent before.")
    is_slow = models.BooleanField(default=False, help_text="Its last answer took long.")
    served_at = models.DateTimeField(null=True, blank=True, help_text="When something was last sent.")

    objects = ReceiverQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "origin"], condition=Q(endpoint=None), name="receiver_once_for_an_origin"
            ),
        )

    def __str__(self) -> str:
        return self.origin or f"endpoint {self.endpoint_id}"


class State(models.TextChoices):
    """How a delivery stands."""

    PENDING = "pending", "to be sent, now or again"
    DELIVERED = "delivered", "answered with 2xx"
    FAILED = "failed", "given up"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Adjectives for deliveries. Times are judged by the database's clock."""

    def pending(self) -> Self:
        return self.filter(state=State.PENDING)

    def in_turn(self) -> Self:
        """Due, and of a job of which the receiver has nothing earlier to hear."""
        before = Delivery.objects.pending().filter(
            receiver=OuterRef("receiver"), job_id=OuterRef("job_id"), event_id__lt=OuterRef("event_id")
        )
        return self.pending().filter(~Exists(before), next_at__lte=clock.now())

    def newest_first(self) -> Self:
        return self.order_by("-id")


class Delivery(models.Model):
    """One message to one receiver: the same id and body however often it is sent. Of `deliveries` alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    receiver = models.ForeignKey(Receiver, models.CASCADE, related_name="deliveries", db_index=False)
    url = models.CharField(max_length=URL_CHARACTERS, blank=True, help_text="Empty: the endpoint's.")
    # plain numbers: jobs are purged without asking who was told of them
    job_id = models.UUIDField(null=True, blank=True)
    event_id = models.BigIntegerField(null=True, blank=True, help_text="The line of the timeline.")
    type = models.CharField(max_length=20)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Begun since it was last asked for.")
    next_at = models.DateTimeField(db_default=Now(), help_text="Sent from then on; taking it moves this.")
    give_up_at = models.DateTimeField()
    claim = models.UUIDField(null=True, blank=True, help_text="Of the courier that is at it: its fence.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = (("replay_delivery", "Can send a webhook's message again"),)
        indexes = (
            models.Index(fields=["receiver", "-id"], name="delivery_newest"),
            # in the order of service: read from the front whatever waits behind
            models.Index(
                fields=["receiver", "next_at", "id"], name="delivery_due", condition=Q(state="pending")
            ),
            models.Index(
                fields=["receiver", "job_id", "event_id"],
                name="delivery_before",
                condition=Q(state="pending"),
            ),
            models.Index(fields=["job_id"], name="delivery_of_job", condition=~Q(job_id=None)),
            models.Index(fields=["give_up_at"], name="delivery_overdue", condition=Q(state="pending")),
            models.Index(fields=["ended_at"], name="delivery_ended", condition=Q(ended_at__isnull=False)),
        )
        constraints = (
            models.UniqueConstraint(fields=["receiver", "event_id"], name="delivery_once_for_a_line"),
            models.CheckConstraint(
                condition=Q(state="pending", ended_at=None)
                | (~Q(state="pending") & Q(ended_at__isnull=False)),
                name="delivery_ended_has_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} ({self.state})"


class Attempt(models.Model):
    """One try of a delivery: what was asked where, and what came back."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    at = models.DateTimeField(help_text="As the message's webhook-timestamp says it.")
    url = models.CharField(max_length=URL_CHARACTERS)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: no answer came.")
    duration_ms = models.PositiveIntegerField()
    response = models.TextField(blank=True, help_text="How the answer's body began.")
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.http_status or self.error}"
