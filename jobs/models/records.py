"""What is remembered beside the jobs themselves."""

import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from base.columns import ExactJson
from jobs.models.job import Job
from jobs.states import Status


class IdempotencyKey(models.Model):
    """A submit that was answered, so that its repetition gets the same answer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    receipt = ExactJson(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once"),)
        indexes = (models.Index(fields=["created_at"], name="idempotency_age"),)

    def __str__(self) -> str:
        return self.key


class UnansweredQuerySet(models.QuerySet["Unanswered"]):
    """Adjectives for submits. Times are judged by the database's clock."""

    def owned_by(self, user_id: Any) -> Self:
        return self.filter(job__user_id=user_id)

    def fresh(self, age: datetime.timedelta) -> Self:
        return self.filter(created_at__gte=Now() - age)

    def stale(self, age: datetime.timedelta) -> Self:
        return self.filter(created_at__lt=Now() - age)

    def newest_first(self) -> Self:
        return self.order_by("-job_id")


class Unanswered(models.Model):
    """A submit without a key whose client may not have had the answer: it has not used the job's id."""

    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="+")
    fingerprint = models.CharField(max_length=64)
    receipt = ExactJson()
    tries = models.PositiveSmallIntegerField(default=0, help_text="The number of the last try that got it.")
    created_at = models.DateTimeField(db_default=Now())

    objects = UnansweredQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["fingerprint"], name="unanswered_fingerprint"),
            models.Index(fields=["created_at"], name="unanswered_age"),
        )

    def __str__(self) -> str:
        return str(self.job_id)


class Tally(models.Model):
    """How many jobs had ended by a certain moment, so that nobody has to count all of them again."""

    name = models.CharField(primary_key=True, max_length=60)
    number = models.PositiveBigIntegerField(default=0)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.number}"


class PurgedJob(models.Model):
    """What stays of a purged job, so that the audit can still tell a purged job from a lost one."""

    id = models.UUIDField(primary_key=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    was_started = models.BooleanField()
    cost = models.PositiveIntegerField()
    purged_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.id)
