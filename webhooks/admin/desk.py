"""The base of these pages: rows are read, and what can be done to one are verbs, asked for with a reason."""

import contextlib
import functools
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from base.errors import DomainError
from base.long_lists import LongList

LONGEST_REASON = 300


class Verb(forms.Form):
    """Asks why, then makes one call."""

    name: ClassVar[str]  # the last part of its address
    title: ClassVar[str]
    means: ClassVar[str]  # what will happen, as a sentence
    permission: ClassVar[str]

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80, "autofocus": True}),
        help_text="For the log, with your name. Only staff see it.",
    )

    @classmethod
    def fits(cls, row: Any) -> bool:
        """Return whether this can be done to the row as it stands."""
        raise NotImplementedError

    def carry_out(self, row: Any) -> str:
        """Do it and return what came of it. Raise DomainError."""
        raise NotImplementedError


class Desk(LongList):
    """Rows to look at, and verbs."""

    change_form_template = "admin/webhooks/page.html"
    verbs: Sequence[type[Verb]] = ()

    def get_urls(self) -> list[URLPattern]:
        label = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(
                f"<path:object_id>/{verb.name}/",
                self.admin_site.admin_view(functools.partial(self.verb_view, verb=verb)),
                name=f"{label}_{verb.name}",
            )
            for verb in self.verbs
        ]
        return [*pages, *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        offered = [
            verb for verb in self.verbs if obj and verb.fits(obj) and request.user.has_perm(verb.permission)
        ]
        context["offered"] = [(verb.title, f"../{verb.name}/") for verb in offered]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look an id up by its index; leave any other words to Django."""
        with contextlib.suppress(ValueError):
            wanted = uuid.UUID(search_term.strip())
            return queryset.filter(self.known_by(wanted)), False
        return super().get_search_results(request, queryset, search_term)

    def known_by(self, wanted: uuid.UUID) -> Q:
        """Return the condition for rows that an id leads to."""
        return Q(pk=wanted)

    def verb_view(self, request: HttpRequest, object_id: str, *, verb: type[Verb]) -> HttpResponse:
        """Ask why, then do it once, and say what came of it."""
        if not (self.has_view_permission(request) and request.user.has_perm(verb.permission)):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not verb.fits(row):
            messages.warning(request, "Nothing was done: it stands differently by now.")
            return self._to(row)
        form = verb(request.POST) if request.method == "POST" else verb()
        if form.is_valid() and (said := _carried_out(form, row)):
            self.log_change(request, row, f"{verb.title}: {form.cleaned_data['reason']} ({said})")
            messages.success(request, said)
            return self._to(row)
        page = {**self.admin_site.each_context(request), "title": verb.title, "opts": self.opts}
        return TemplateResponse(request, "admin/webhooks/verb.html", {**page, "form": form, "row": row})

    def _to(self, row: Any) -> HttpResponseRedirect:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[row.pk]))


def _carried_out(form: Verb, row: Any) -> str:
    try:
        return form.carry_out(row)
    except DomainError as error:
        form.add_error(None, error.message)
        return ""
