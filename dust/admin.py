"""Support's view of the money: everything can be looked at, and only a new transfer changes anything."""

import contextlib
import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from base.long_lists import PAGE_SIZE, LongList
from dust import ledger
from dust.forms import GrantForm
from dust.models import Account, Transfer
from dust.statements import Movement


@admin.register(Transfer)
class TransferAdmin(LongList):
    """The history, newest first."""

    list_display = [
        "created_at",
        "account",
        "kind",
        "change",
        "available_after",
        "job_id",
        "attempt",
        "actor",
        "reason",
    ]
    list_filter = ["kind", "created_at"]
    list_select_related = ["account__user"]
    ordering = ["-id"]  # ids are ordered by time, and indexed
    sortable_by = ()
    search_fields = ["account__user__email", "account__user__username", "key"]
    search_help_text = "A user's e-mail address or name, a key, or the whole id of a job, user or transfer"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str
    ) -> tuple[QuerySet[Transfer], bool]:
        """Look an id up by its index; leave any other words to Django."""
        with contextlib.suppress(ValueError):
            wanted = uuid.UUID(search_term.strip())
            return queryset.filter(Q(pk=wanted) | Q(job_id=wanted) | Q(account__user_id=wanted)), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Balances to look at, a switch to freeze spending, a form to grant. No account is made or deleted."""

    change_form_template = "admin/dust/account/change_form.html"
    list_display = ["user", "posted", "held", "available", "frozen", "created_at"]
    list_filter = ["frozen"]
    list_select_related = ["user"]
    list_per_page = PAGE_SIZE
    show_full_result_count = False
    ordering = ["-id"]
    search_fields = ["user__email", "user__username"]
    search_help_text = "A user's e-mail address or name"
    fields = ["user", "posted", "held", "available", "seq", "frozen", "created_at"]
    readonly_fields = ["user", "posted", "held", "available", "seq", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        grant = self.admin_site.admin_view(self.grant_view)
        return [path("<path:object_id>/grant/", grant, name="dust_account_grant"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Write `frozen` alone: this form's copy of the balance may be old by now."""
        if "frozen" in form.changed_data:
            (ledger.freeze if obj.frozen else ledger.unfreeze)(obj.pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_grant"] = request.user.has_perm("dust.grant_dust")
        return super().render_change_form(request, context, *args, **kwargs)

    def grant_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, show what would happen, then do it once."""
        if not request.user.has_perm("dust.grant_dust"):
            raise PermissionDenied
        account = self.get_object(request, unquote(object_id))
        if account is None:
            raise Http404
        if request.method != "POST":
            return self._grant_page(request, account, GrantForm.empty())
        form = GrantForm(request.POST)
        sure = form.is_valid() and form.cleaned_data["confirmed"]
        if sure and (movement := form.carry_out(account, actor=request.user.get_username())):
            self._tell(request, account, movement)
            return HttpResponseRedirect(reverse("admin:dust_account_change", args=[account.pk]))
        return self._grant_page(request, account, form)

    def _grant_page(self, request: HttpRequest, account: Account, form: GrantForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Grant DUST",
            "subtitle": str(account),
            "opts": self.opts,
            "account": account,
            "form": form,
            "preview": form.preview(account) if form.is_valid() else None,
        }
        return TemplateResponse(request, "admin/dust/account/grant.html", context)

    def _tell(self, request: HttpRequest, account: Account, movement: Movement) -> None:
        if not movement.created:
            messages.warning(request, "This was done already; nothing was done a second time.")
            return
        kind, left = movement.kind.capitalize(), movement.available_after
        done = f"{kind} of {movement.amount} DUST; {left} can be spent."
        self.log_change(request, account, done)
        messages.success(request, done)
