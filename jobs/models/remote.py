"""What was asked of remote providers, and how their accounts stand."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class RemoteState(models.TextChoices):
    """What is known of one submission to a provider."""

    INTENDED = "intended", "about to be sent, or its reply was lost in a crash"
    UNKNOWN = "unknown", "sent, and no reply came"
    TAKEN = "taken", "taken by the provider"
    REFUSED = "refused", "not taken, for certain"
    MADE = "made", "the provider has made the video"
    NOT_MADE = "not_made", "the provider has ended it without a video"


class RemoteTaskQuerySet(models.QuerySet["RemoteTask"]):
    """Adjectives for submissions."""

    def open(self) -> Self:
        """Still waited for."""
        return self.filter(closed_at=None)

    def maybe_taken(self) -> Self:
        """All that are not certain to cost nothing."""
        return self.exclude(state=RemoteState.REFUSED)

    def to_review(self) -> Self:
        return self.filter(needs_review=True)


class RemoteTask(models.Model):
    """One submission of a job to a provider: the intent is committed before the request leaves.

    The unique constraint is the promise that a job is paid for at most once: a second submission can't even
    be intended unless the one before is known not to have been taken.
    """

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="remote_tasks", db_index=False)
    key = models.UUIDField(unique=True, help_text="What we call it; sent along where a provider takes such.")
    model = models.CharField(max_length=60, help_text="Alias of the model that was asked.")
    account = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=RemoteState.choices, default=RemoteState.INTENDED)
    remote_id = models.CharField(max_length=400, blank=True)
    urls = models.JSONField(default=dict, blank=True)
    is_final = models.BooleanField(default=False, help_text="Refused for good: not to be asked again.")
    detail = models.TextField(blank=True, help_text="The provider's own words.")

    cost_micros = models.BigIntegerField(null=True, blank=True, help_text="Millionths of the currency.")
    currency = models.CharField(max_length=3, blank=True)
    is_cost_reported = models.BooleanField(default=False, help_text="By the provider; else by our table.")

    needs_review = models.BooleanField(default=False)

    intended_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = RemoteTaskQuerySet.as_manager()

    class Meta:
        verbose_name = "submission to a provider"
        verbose_name_plural = "submissions to providers"
        permissions = (("review_remotetask", "Can note a submission as reviewed"),)
        indexes = (
            models.Index(fields=["job", "id"], name="remotetask_of_job"),
            models.Index(fields=["account"], name="remotetask_open", condition=Q(closed_at=None)),
            models.Index(fields=["-id"], name="remotetask_to_review", condition=Q(needs_review=True)),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["job"],
                condition=~Q(state=RemoteState.REFUSED),
                name="remotetask_paid_for_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} {self.remote_id or self.key} ({self.state})"


class Upstream(models.Model):
    """How a provider's account stands: the circuit breaker that all workers share."""

    account = models.CharField(primary_key=True, max_length=60)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    closed_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is submitted before.")
    said = models.TextField(blank=True, help_text="Why.")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "provider account"

    def __str__(self) -> str:
        return self.account
