"""What was asked of remote providers: what staff have to look at, and which account takes nothing."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from base.long_lists import LongList
from jobs import remote_tasks
from jobs.admin import wording
from jobs.models import RemoteTask, Upstream
from jobs.models.remote import RemoteTaskQuerySet

HOW_TO_REVIEW = (
    "Look the job up at the provider by its id, or by our key and the time. The user has the DUST back "
    "whatever you find; nothing is charged again. Then note it as reviewed."
)


@admin.register(RemoteTask)
class RemoteTaskAdmin(LongList):
    """Read-only: it is the record of what may have been paid for."""

    list_display = (
        "intended_at",
        "job_link",
        "model",
        "account",
        "state",
        "remote_id",
        "cost",
        "needs_review",
    )
    list_filter = ("needs_review", "state", "account")
    list_select_related = ("job",)
    search_fields = ("remote_id__exact", "key__exact", "job__id__exact")
    ordering = ("-id",)
    actions = ("note_reviewed",)

    @admin.display(description="job")
    def job_link(self, task: RemoteTask) -> str:
        address = reverse("admin:jobs_job_change", args=[task.job_id])
        return format_html('<a href="{}">{}</a>', address, wording.short_id(task.job_id))

    @admin.display(description="cost")
    def cost(self, task: RemoteTask) -> str:
        return wording.cost(task)

    @admin.action(description="Note as reviewed", permissions=["review"])
    def note_reviewed(self, request: HttpRequest, chosen: RemoteTaskQuerySet) -> None:
        number = remote_tasks.reviewed(chosen, actor=request.user.get_username())
        messages.success(request, f"{number} noted as reviewed.")

    def has_review_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.review_remotetask")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"subtitle": HOW_TO_REVIEW, **(extra_context or {})})


@admin.register(Upstream)
class UpstreamAdmin(LongList):
    """Accounts that have failed: why, and until when nothing is submitted to them."""

    list_display = ("account", "failures", "closed_until", "said", "changed_at")
    ordering = ("account",)
