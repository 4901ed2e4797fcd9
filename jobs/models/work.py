"""The queue's messages, the workers that serve them, and whose turn it is with the chores."""

import datetime
from typing import Self

from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce, Now

from jobs import clock


class MessageQuerySet(models.QuerySet["Message"]):
    """Adjectives for messages. Times are judged by the database's clock."""

    def due(self) -> Self:
        return self.filter(due_at__lte=clock.now())

    def held(self) -> Self:
        """Taken by a cluster that has not acknowledged it yet."""
        return self.exclude(holder="")

    def oldest_first(self) -> Self:
        return self.order_by("due_at", "id")


class Message(models.Model):
    """One task that waits for a worker; it commits with the transaction that sends it."""

    queue = models.CharField(max_length=40)
    job_id = models.UUIDField(null=True, blank=True, help_text="The job it is about, if it is about one.")
    payload = models.TextField()
    due_at = models.DateTimeField(help_text="Served from then on; taking it moves this.")
    holder = models.CharField(max_length=120, blank=True, help_text="The cluster that has taken it.")

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = "queue message"
        indexes = (
            # the order of service, read from the front whatever waits behind
            models.Index(fields=["queue", "due_at", "id"], name="message_in_turn"),
            models.Index(fields=["holder"], name="message_held", condition=~Q(holder="")),
            models.Index(fields=["job_id"], name="message_job", condition=~Q(job_id=None)),
        )

    def __str__(self) -> str:
        return f"{self.queue} {self.pk}"


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Adjectives for worker clusters."""

    def alive(self, within: datetime.timedelta) -> Self:
        return self.filter(seen_at__gte=Now() - within)

    def serving(self, queue: str) -> Self:
        return self.filter(queue=queue)

    def stopping(self) -> Self:
        return self.exclude(stopping_at=None)

    def slots(self) -> int:
        """Return how many jobs these clusters can run at once."""
        return int(self.aggregate(n=Coalesce(Sum("processes"), 0))["n"])


class Worker(models.Model):
    """A worker cluster's signs of life."""

    id = models.CharField(primary_key=True, max_length=120)
    queue = models.CharField(max_length=60)
    processes = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    stopping_at = models.DateTimeField(null=True, blank=True, help_text="From then on it claims nothing.")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.id


class Chore(models.Model):
    """When a piece of housekeeping was last done, so that many clusters do it once."""

    name = models.CharField(primary_key=True, max_length=60)
    done_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
