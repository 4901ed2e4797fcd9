"""Paths of this app."""

from django.urls import path

from base import converters  # noqa: F401 - registers <id:...>
from videos import views

urlpatterns = [
    path("videos", views.VideoListView.as_view(), name="videos"),
    path("videos/<id:video_id>", views.VideoView.as_view(), name="video"),
    path("videos/files/<str:token>/<str:name>", views.FileView.as_view(), name="video-file"),
]
