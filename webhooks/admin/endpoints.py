"""Support's list of webhooks and the page of one. A secret is shown once, when one is registered here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from base.errors import DomainError
from jobs import outbound
from webhooks import deliveries, endpoints, receivers
from webhooks import messages as bodies
from webhooks.admin import wording
from webhooks.admin.desk import Desk, Verb
from webhooks.events import EventType
from webhooks.models import Endpoint

ASKED = ("user", "url", "event_types", "description")
BY_STAFF = "Disabled by support."


class TestVerb(Verb):
    name = "test"
    title = "Send a test message"
    means = "A signed message of the type test.ping is sent; what came of it is among the deliveries."
    permission = "webhooks.test_endpoint"

    @classmethod
    def fits(cls, row: Endpoint) -> bool:
        return row.disabled_at is None

    def carry_out(self, row: Endpoint) -> str:
        delivery = deliveries.ping(row, body=bodies.ping())
        return f"A test message will be sent: delivery {delivery.id}."


class DisableVerb(Verb):
    name = "disable"
    title = "Disable"
    means = "Nothing more is sent to it, and what is pending is given up. Its owner sees that support did it."
    permission = "webhooks.change_endpoint"

    @classmethod
    def fits(cls, row: Endpoint) -> bool:
        return row.disabled_at is None

    def carry_out(self, row: Endpoint) -> str:
        receivers.disable(row.id, reason=BY_STAFF)
        return "It is disabled."


class EnableVerb(Verb):
    name = "enable"
    title = "Enable"
    means = "It is told of what happens from now on. What it missed can be replayed."
    permission = "webhooks.change_endpoint"

    @classmethod
    def fits(cls, row: Endpoint) -> bool:
        return row.disabled_at is not None

    def carry_out(self, row: Endpoint) -> str:
        endpoints.enable(row)
        return "It is enabled."


class NewEndpoint(forms.ModelForm[Endpoint]):
    """A URL to register for a user."""

    event_types = forms.MultipleChoiceField(
        choices=EventType.choices, initial=EventType.values, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Endpoint
        fields = ASKED

    def clean_user(self) -> Any:
        user = self.cleaned_data["user"]
        try:
            endpoints.require_room(user.pk)
        except DomainError as refused:
            raise forms.ValidationError(refused.message) from refused
        return user

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            outbound.check(url)
        except outbound.OutboundRefused as refused:
            raise forms.ValidationError(refused.reason) from refused
        return url


@admin.register(Endpoint)
class EndpointAdmin(Desk):
    list_display = ("id", "owner", "shown_url", "standing", "created_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "receiver")
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("user__email", "user__username")
    search_help_text = "A user's e-mail address or name, or the whole id"
    autocomplete_fields = ("user",)
    verbs = (TestVerb, DisableVerb, EnableVerb)

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        if obj is None:
            return ASKED
        shown = ("id", "user", "shown_url", "event_types", "description", "standing", "failing_since")
        return (*shown, "created_at", "updated_at", "disabled_at", "previous_until")

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def get_form(
        self, request: HttpRequest, obj: Endpoint | None = None, change: bool = False, **options: Any
    ) -> Any:
        return super().get_form(
            request, obj, change, **(options if obj else {**options, "form": NewEndpoint})
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return Endpoint.objects.select_related("user", "receiver")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.add_endpoint")

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Register what the form asks for, and show its secret this once."""
        asked = {name: form.cleaned_data[name] for name in ASKED if name != "user"}
        endpoint, secret = endpoints.create(obj.user_id, **asked)
        obj.pk = endpoint.pk  # what the admin's log and messages name it by
        text = f"The secret is {secret} – copy it now: this is the only time it is shown."
        self.message_user(request, text, messages.WARNING)

    @admin.display(description="user")
    def owner(self, endpoint: Endpoint) -> str:
        return endpoint.user.email or endpoint.user.get_username()

    @admin.display(description="URL")
    def shown_url(self, endpoint: Endpoint) -> str:
        return wording.shown_url(endpoint.url)

    @admin.display(description="how it does")
    def standing(self, endpoint: Endpoint) -> str:
        return wording.standing(endpoint)

    @admin.display(description="failing since")
    def failing_since(self, endpoint: Endpoint) -> Any:
        return endpoint.receiver.failing_since
