"""Paths of the jobs API."""

from django.urls import path

from base import converters  # noqa: F401 - registers <id:...>
from jobs import views

urlpatterns = [
    path("videos/generate", views.GenerateView.as_view(), name="generate"),
    path("videos/animate", views.AnimateView.as_view(), name="animate"),
    path("videos/jobs", views.JobsView.as_view(), name="jobs"),
    path("videos/jobs/active", views.ActiveJobsView.as_view(), name="active-jobs"),
    path("videos/jobs/<id:job_id>/status", views.StatusView.as_view(), name="job-status"),
    path("videos/jobs/<id:job_id>/result", views.ResultView.as_view(), name="job-result"),
    path("videos/jobs/<id:job_id>", views.JobView.as_view(), name="job"),
    path("videos/stats", views.StatsView.as_view(), name="stats"),
    path("videos/models", views.ModelsView.as_view(), name="models"),
    path("videos/quote", views.QuoteView.as_view(), name="quote"),
]
