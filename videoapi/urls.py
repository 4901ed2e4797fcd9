"""Every path, from every app."""

from django.contrib import admin
from django.urls import include, path

from accounts import signin

handler404 = "videoapi.problems.page_not_found"
handler500 = "videoapi.problems.server_error"

urlpatterns = [
    path(
        "admin/login/", signin.limited(admin.site.login)
    ),  # before the admin's own: the same limit as /login
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("dust.urls")),
    path("", include("jobs.urls")),
    path("", include("videos.urls")),
]
