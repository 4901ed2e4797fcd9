"""A job's timeline."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models.job import Job
from jobs.states import Status


class JobEventQuerySet(models.QuerySet["JobEvent"]):
    """Adjectives for lines of timelines."""

    def news(self) -> Self:
        """Not taken over yet by what tells those who wait outside."""
        return self.filter(is_news=True)


class JobEvent(models.Model):
    """One line of a job's timeline, written in the transaction of the change it tells of."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField(db_default=Now())
    verb = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status.choices)
    attempt = models.PositiveSmallIntegerField()
    actor = models.CharField(max_length=150, blank=True, help_text="Who did it; empty for the system itself.")
    message = models.TextField(blank=True)
    is_news = models.BooleanField(db_default=False, help_text="Still to be told outside.")

    objects = JobEventQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["job", "id"], name="jobevent_timeline"),
            models.Index(fields=["id"], name="jobevent_news", condition=Q(is_news=True)),
        )

    def __str__(self) -> str:
        return f"{self.verb} -> {self.status}"
