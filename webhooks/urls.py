"""Paths of the webhooks API."""

from django.urls import path

from base import converters  # noqa: F401 - registers <id:...>
from webhooks import views

urlpatterns = [
    path("webhooks", views.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/job-secret", views.JobSecretView.as_view(), name="webhook-job-secret"),
    path("webhooks/<id:webhook_id>", views.WebhookView.as_view(), name="webhook"),
    path("webhooks/<id:webhook_id>/rotate", views.RotateView.as_view(), name="webhook-rotate"),
    path("webhooks/<id:webhook_id>/test", views.TestView.as_view(), name="webhook-test"),
    path("webhooks/<id:webhook_id>/deliveries", views.DeliveriesView.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/replay",
        views.ReplayView.as_view(),
        name="webhook-replay",
    ),
]
