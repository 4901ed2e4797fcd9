"""Paths of this app."""

from django.urls import path

from videos import views

urlpatterns = [
    path("videos", views.VideoListView.as_view(), name="videos"),
    path("videos/<uuid:video_id>", views.VideoView.as_view(), name="video"),
    path("videos/files/<str:token>/<str:name>", views.FileView.as_view(), name="video-file"),
]
