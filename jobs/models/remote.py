"""What was asked of remote providers, and how their accounts stand."""

from typing import Self

from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from jobs import clock
from jobs.providers.base import FailureCode


class RemoteState(models.TextChoices):
    """What is known of one submission to a provider."""

    INTENDED = "intended", "about to be sent, or its reply was lost in a crash"
    UNKNOWN = "unknown", "sent, and no reply came"
    TAKEN = "taken", "taken by the provider"
    REFUSED = "refused", "not taken, for certain"
    MADE = "made", "the provider has made the video"
    NOT_MADE = "not_made", "the provider has ended it without a video"


UNENDED = (RemoteState.INTENDED, RemoteState.UNKNOWN, RemoteState.TAKEN)  # of which there may be news yet


class RemoteTaskQuerySet(models.QuerySet["RemoteTask"]):
    """Adjectives for submissions."""

    def open(self) -> Self:
        """Still waited for."""
        return self.filter(closed_at=None)

    def maybe_taken(self) -> Self:
        """All that are not certain to cost nothing."""
        return self.exclude(state=RemoteState.REFUSED)

    def hinted(self) -> Self:
        """Of which their provider says that there is news."""
        return self.open().filter(hinted_at__isnull=False)

    def to_review(self) -> Self:
        return self.filter(needs_review=True)

    def to_look_at(self) -> Self:
        """Given up, and due to be asked about once more."""
        return self.filter(look_at__lte=clock.now())

    def give_up(self) -> None:
        """Close them with their failed job: staff are asked to look, and the provider is asked on."""
        look_at = Case(When(state__in=UNENDED, then=Now()))
        self.update(closed_at=Now(), needs_review=True, look_at=look_at)


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
    remote_id = models.TextField(blank=True, help_text="A gateway's may be long: it wraps its provider's.")
    urls = models.JSONField(default=dict, blank=True)
    is_final = models.BooleanField(default=False, help_text="Refused for good: not to be asked again.")
    failure_code = models.CharField(
        max_length=30, choices=FailureCode.choices, blank=True, db_default="", help_text="Why it was refused."
    )
    detail = models.TextField(blank=True, help_text="The provider's own words.")

    cost_micros = models.BigIntegerField(null=True, blank=True, help_text="Millionths of the currency.")
    currency = models.CharField(max_length=3, blank=True)
    is_cost_reported = models.BooleanField(default=False, help_text="By the provider; else by our table.")

    needs_review = models.BooleanField(default=False)

    intended_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    hinted_at = models.DateTimeField(
        null=True, blank=True, help_text="When its provider called; emptied when it has been asked about."
    )

    # after it was given up
    look_at = models.DateTimeField(null=True, blank=True, help_text="When to ask once more.")
    looks = models.PositiveSmallIntegerField(db_default=0, help_text="How often that was done.")
    stop_asked_at = models.DateTimeField(null=True, blank=True, help_text="When it has answered a cancel.")

    objects = RemoteTaskQuerySet.as_manager()

    class Meta:
        verbose_name = "submission to a provider"
        verbose_name_plural = "submissions to providers"
        permissions = (
            ("review_remotetask", "Can note a submission as reviewed"),
            ("view_margin", "Can see what providers cost and the margin"),
        )
        indexes = (
            models.Index(fields=["job", "id"], name="remotetask_of_job"),
            models.Index(fields=["account"], name="remotetask_open", condition=Q(closed_at=None)),
            models.Index(
                fields=["job"],
                name="remotetask_hinted",
                condition=Q(closed_at=None, hinted_at__isnull=False),
            ),
            models.Index(fields=["-id"], name="remotetask_to_review", condition=Q(needs_review=True)),
            models.Index(
                fields=["look_at"], name="remotetask_to_look_at", condition=Q(look_at__isnull=False)
            ),
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
    """How a provider's account, or one model of it, stands: the circuit breaker that all workers share."""

    account = models.CharField(primary_key=True, max_length=130, help_text="Or ACCOUNT: MODEL.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    closed_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is submitted before.")
    said = models.TextField(blank=True, help_text="Why.")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "provider account"

    def __str__(self) -> str:
        return self.account
