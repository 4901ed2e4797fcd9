"""Support's list of workers: who is there, and who has gone silent."""

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from jobs import workers
from jobs.admin import wording
from jobs.models import Worker


@admin.register(Worker)
class WorkerAdmin(admin.ModelAdmin[Worker]):
    """Clusters write their own rows; the sweep forgets the dead ones."""

    list_display = ("id", "queue", "processes", "alive", "silent_for", "started_at")
    ordering = ("id",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        return Worker.objects.annotate(now=Now())

    @admin.display(description="alive", boolean=True)
    def alive(self, worker: Any) -> bool:
        return _silence(worker) <= workers.sign_of_life()

    @admin.display(description="last sign of life")
    def silent_for(self, worker: Any) -> str:
        return f"{wording.span(_silence(worker))} ago"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        return False


def _silence(worker: Any) -> datetime.timedelta:
    silence: datetime.timedelta = worker.now - worker.seen_at
    return silence
