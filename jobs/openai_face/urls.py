"""Paths of the face."""

from django.urls import path

from base import converters  # noqa: F401 - registers <id:...>
from jobs.openai_face import views

urlpatterns = [
    path("v1/videos", views.VideosView.as_view(), name="openai-videos"),
    path("v1/videos/<id:job_id>", views.VideoView.as_view(), name="openai-video"),
    path("v1/videos/<id:job_id>/content", views.ContentView.as_view(), name="openai-content"),
]
