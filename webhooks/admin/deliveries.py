"""Support's list of what receivers were told, and the page of one message with all its attempts."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import deliveries, sending
from webhooks.admin import wording
from webhooks.admin.desk import Desk, Verb
from webhooks.models import Attempt, Delivery, State


class ReplayVerb(Verb):
    name = "replay"
    title = "Send it again"
    means = "The same message, with the same id, is sent once more, and tried as a new one is."
    permission = "webhooks.replay_delivery"

    @classmethod
    def fits(cls, row: Delivery) -> bool:
        return row.state != State.PENDING

    def carry_out(self, row: Delivery) -> str:
        deliveries.replay(row)
        return "It will be sent again."


class AttemptInline(admin.TabularInline[Attempt, Delivery]):
    """Each try: where to, and what came back."""

    model = Attempt
    fields = readonly_fields = ("at", "shown_url", "http_status", "duration_ms", "response", "error")
    ordering = ("-id",)
    extra = 0
    can_delete = False

    @admin.display(description="URL")
    def shown_url(self, attempt: Attempt) -> str:
        return wording.shown_url(attempt.url)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(Desk):
    list_display = ("created_at", "type", "state", "owner", "whereto", "job", "tries", "ended_at")
    list_filter = ("state", "type")
    list_select_related = ("receiver__user", "receiver__endpoint")
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("receiver__user__email", "receiver__user__username")
    search_help_text = "A user's e-mail address or name, or the whole id of a delivery or a job"
    inlines = (AttemptInline,)
    verbs = (ReplayVerb,)
    fields = readonly_fields = (
        *("id", "message_id", "type", "state", "owner", "whereto", "job", "body_in_lines"),
        *("created_at", "next_at", "give_up_at", "ended_at", "tries"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.select_related("receiver__user", "receiver__endpoint")

    def known_by(self, wanted: uuid.UUID) -> Q:
        return Q(pk=wanted) | Q(job_id=wanted)

    @admin.display(description="webhook-id")
    def message_id(self, delivery: Delivery) -> str:
        return sending.message_id(delivery.id)

    @admin.display(description="user")
    def owner(self, delivery: Delivery) -> str:
        user = delivery.receiver.user
        return user.email or user.get_username()

    @admin.display(description="to")
    def whereto(self, delivery: Delivery) -> str:
        return wording.whereto(delivery)

    @admin.display(description="job")
    def job(self, delivery: Delivery) -> SafeString | str:
        if delivery.job_id is None:
            return "–"
        address = reverse("admin:jobs_job_change", args=[delivery.job_id])
        return format_html('<a href="{}">{}</a>', address, delivery.job_id)

    @admin.display(description="body")
    def body_in_lines(self, delivery: Delivery) -> SafeString:
        return format_html("<pre>{}</pre>", wording.body(delivery))
