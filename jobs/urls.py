"""Paths of the jobs API."""

from django.urls import include, path

from base import converters  # noqa: F401 - registers <id:...>
from jobs import views
from jobs.callbacks import views as callbacks
from jobs.live import views as live

urlpatterns = [
    path("videos/generate", views.GenerateView.as_view(), name="generate"),
    path("videos/animate", views.AnimateView.as_view(), name="animate"),
    path("videos/jobs", views.JobsView.as_view(), name="jobs"),
    path("videos/jobs/active", views.ActiveJobsView.as_view(), name="active-jobs"),
    path("videos/jobs/events", live.AllEventsView.as_view(), name="all-events"),
    path("videos/jobs/<id:job_id>/events", live.JobEventsView.as_view(), name="job-events"),
    path("videos/jobs/<id:job_id>/status", views.StatusView.as_view(), name="job-status"),
    path("videos/jobs/<id:job_id>/result", views.ResultView.as_view(), name="job-result"),
    path("videos/jobs/<id:job_id>", views.JobView.as_view(), name="job"),
    path("videos/stats", views.StatsView.as_view(), name="stats"),
    path("videos/models", views.ModelsView.as_view(), name="models"),
    path("videos/quote", views.QuoteView.as_view(), name="quote"),
    path("providers/<path:alias>/webhook", callbacks.AccountCallbackView.as_view()),
    path("", include("jobs.openai_face.urls")),
    path(
        "providers/<path:alias>/webhook/<uuid:key>/<str:signature>",
        callbacks.SubmissionCallbackView.as_view(),
    ),
]
