"""Support's list of jobs, the page of one, and the pages on which something is done to it."""

import functools
import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from base.long_lists import LongList
from jobs.admin import page, search, wording
from jobs.admin.actions import ACTIONS, ActionForm, Outcome
from jobs.admin.filters import DayFilter, ModelFilter, TroubleFilter
from jobs.models import Job

NOT_SHOWN = ("prompt", "metadata", "reference_person", "failure_detail")  # long texts, not needed in the list


@admin.register(Job)
class JobAdmin(LongList):
    """A job is read here and nowhere edited; what can be done to it are the verbs of `ACTIONS`."""

    list_display = ("short_id", "state", "model", "owner", "submitted", "time_taken", "dust", "failure")
    list_filter = ("status", TroubleFilter, DayFilter, ModelFilter, "generation_type")
    list_select_related = ("user",)
    ordering = ("-id",)
    sortable_by = ("submitted",)
    search_fields = ("id",)  # shows the box; `get_search_results` does the work
    search_help_text = search.HELP

    class Media:
        css = {"all": ("css/admin_jobs.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return Job.objects.seen_now()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Jobs", **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        found = search.find(queryset, search_term) if search_term.strip() else queryset
        return found.defer(*NOT_SHOWN), False

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<uuid:job_id>/{kind.name}/",
                self.admin_site.admin_view(functools.partial(self.action_view, kind=kind)),
                name=f"jobs_job_{kind.name}",
            )
            for kind in ACTIONS
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the page of one job; there is nothing to send to it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        job = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        offered = [kind for kind in ACTIONS if kind.fits(job) and request.user.has_perm(kind.permission)]
        return self._answer(request, "page", job, {**page.context(job), "offered": offered})

    def action_view(self, request: HttpRequest, job_id: uuid.UUID, *, kind: type[ActionForm]) -> HttpResponse:
        """Ask why, then do it once, and say what came of it."""
        if not (self.has_view_permission(request) and request.user.has_perm(kind.permission)):
            raise PermissionDenied
        job = self._job(request, job_id)
        form = kind(request.POST) if request.method == "POST" else kind.empty()
        if kind.fits(job) and form.is_valid():
            if outcome := form.carry_out(job, actor=request.user.get_username()):
                return self._done(request, job, form, outcome)
            job = self._job(request, job_id)  # as it is now: another may have been quicker
        if not kind.fits(job):
            messages.warning(request, wording.too_late(job))
            return _to(job.id)
        summary = {
            "standing": wording.standing(job),
            "money": wording.money(job),
            "icon": wording.icon(job.status),
            "trouble": wording.trouble(job),
        }
        facts = {**summary, "form": form, "owner": wording.owner(job), **kind.facts(job)}
        return self._answer(request, "action", job, facts)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Job | None:
        """Return the job with all that its pages show of other tables."""
        related = self.get_queryset(request).select_related("user__dust_account", "video", "rerun_of")
        try:
            return related.filter(pk=uuid.UUID(object_id)).first()
        except ValueError:
            return None

    def _job(self, request: HttpRequest, job_id: uuid.UUID) -> Job:
        job = self.get_object(request, str(job_id))
        if job is None:
            raise Http404
        return job

    def _answer(self, request: HttpRequest, name: str, job: Job, facts: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Job {wording.short_id(job.id)}",
            "opts": self.opts,
            "media": self.media,
            "job": job,
            **facts,
        }
        return TemplateResponse(request, f"admin/jobs/job/{name}.html", context)

    def _done(self, request: HttpRequest, job: Job, form: ActionForm, outcome: Outcome) -> HttpResponse:
        messages.add_message(request, messages.SUCCESS if outcome.news else messages.WARNING, outcome.message)
        if outcome.news:
            reason = form.cleaned_data["reason"]
            self.log_change(request, job, f"{form.title}: {reason} ({outcome.message})")
        return _to(outcome.job_id)

    @admin.display(description="job", ordering="id")
    def short_id(self, job: Job) -> str:
        return wording.short_id(job.id)

    @admin.display(description="status")
    def state(self, job: Job) -> SafeString:
        words = wording.trouble(job)
        mark = format_html(' <span class="job-trouble" title="{}">!</span>', words) if words else ""
        return format_html(
            '<span class="job-status {}"><span aria-hidden="true">{}</span> {}</span>{}',
            job.status,
            wording.icon(job.status),
            job.status,
            mark,
        )

    @admin.display(description="user")
    def owner(self, job: Job) -> str:
        return wording.owner(job)

    @admin.display(description="created (UTC)", ordering="id")
    def submitted(self, job: Any) -> str:
        is_recent = job.created_at.year == job.now.year
        return f"{job.created_at:%d %b %H:%M}" if is_recent else f"{job.created_at:%d %b %Y}"

    @admin.display(description="time")
    def time_taken(self, job: Job) -> str:
        return wording.time_taken(job)

    @admin.display(description="DUST")
    def dust(self, job: Job) -> str:
        return wording.dust(job)

    @admin.display(description="why it failed")
    def failure(self, job: Job) -> str:
        return wording.failure(job)


def _to(job_id: uuid.UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job_id]))
