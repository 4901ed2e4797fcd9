"""Every path, from every app."""

from django.contrib import admin
from django.urls import include, path, re_path

from accounts import signin
from videoapi import docs, pages, problems

handler400 = "videoapi.problems.bad_request"
handler404 = "videoapi.problems.page_not_found"
handler500 = "videoapi.problems.server_error"

urlpatterns = [
    path("", pages.studio, name="studio"),
    path(
        "admin/login/", signin.limited(admin.site.login)
    ),  # before the admin's own: the same limit as /login
    path("admin/", admin.site.urls),
    path("schema", docs.SchemaView.as_view(), name="schema"),
    path("docs", docs.swagger, name="docs"),
    path("redoc", docs.redoc, name="redoc"),
    path("", include("accounts.urls")),
    path("", include("dust.urls")),
    path("", include("jobs.urls")),
    path("", include("videos.urls")),
    path("", include("webhooks.urls")),
    re_path("", problems.page_not_found),  # with DEBUG too, where Django would answer in HTML
]
