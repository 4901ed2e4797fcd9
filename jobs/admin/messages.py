"""Operators' list of what waits in the queues, and who has taken it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from base.long_lists import LongList
from jobs.models import Message


@admin.register(Message)
class MessageAdmin(LongList):
    """A message is only a hint that a job waits; the job's own page tells where it stands."""

    list_display = ("id", "queue", "job_id", "state", "due_at", "holder")
    list_filter = ("queue",)
    ordering = ("queue", "due_at", "id")
    exclude = ("payload",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return Message.objects.defer("payload").annotate(now=Now())

    @admin.display(description="state")
    def state(self, message: Any) -> str:
        if message.holder:
            return "taken"
        return "waits" if message.due_at <= message.now else "delayed"
