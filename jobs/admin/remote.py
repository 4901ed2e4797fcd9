"""What was asked of remote providers: what staff have to look at, and which account takes nothing."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from base.long_lists import LongList
from jobs import remote_tasks
from jobs.admin import margin, wording
from jobs.models import RemoteTask, Upstream
from jobs.models.remote import RemoteTaskQuerySet

HOW_TO_REVIEW = (
    "Look the job up at the provider by its id, or by our key and the time. The user has the DUST back "
    "whatever you find; nothing is charged again. Then note it as reviewed."
)

COSTS = frozenset({"cost", "cost_micros", "currency", "is_cost_reported"})  # columns, and fields


def may_see_costs(request: HttpRequest) -> bool:
    """Return whether somebody of staff may know what the operator pays and earns."""
    return request.user.has_perm("jobs.view_margin")


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
    change_list_template = "admin/jobs/remotetask/list.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.margin_view)
        return [path("margin/", page, name="jobs_remotetask_margin"), *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> Any:
        return _shown(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: RemoteTask | None = None) -> list[Any]:
        return _shown(request, super().get_fields(request, obj))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse to filter by what must not be seen: a few guesses would tell it."""
        is_of_costs = lookup.partition("__")[0] in COSTS
        return (may_see_costs(request) or not is_of_costs) and super().lookup_allowed(lookup, value, request)

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

    def margin_view(self, request: HttpRequest) -> HttpResponse:
        """Show what jobs brought and cost, by day and model."""
        if not (self.has_view_permission(request) and may_see_costs(request)):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        facts = margin.context(request.GET.get("days", ""))
        page = {**self.admin_site.each_context(request), "title": "Cost and margin", "opts": self.opts}
        return TemplateResponse(request, "admin/jobs/remotetask/margin.html", {**page, **facts})


@admin.register(Upstream)
class UpstreamAdmin(LongList):
    """Accounts that have failed: why, and until when nothing is submitted to them."""

    list_display = ("account", "failures", "closed_until", "said", "changed_at")
    ordering = ("account",)


def _shown(request: HttpRequest, names: Iterable[Any]) -> list[Any]:
    return [name for name in names if name not in COSTS or may_see_costs(request)]
