"""The admin's front page: its name, and its sections in the order in which support needs them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

SECTIONS = ("jobs", "dust", "videos", "webhooks", "accounts")  # any other comes after them, by name
UNUSED = {"OrmQ", "Schedule"}  # the engine's own queue and clock, which stay empty here


class Site(admin.AdminSite):
    """Django's admin, under our name."""

    site_header = "Video API"
    site_title = "Video API"
    index_title = "Support and operation"
    enable_nav_sidebar = False  # its width is worth more to the lists

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Return what the user may see, the usual first."""
        sections = sorted(super().get_app_list(request, app_label), key=_rank)
        for section in sections:
            section["models"] = [model for model in section["models"] if model["object_name"] not in UNUSED]
        return [section for section in sections if section["models"]]


def _rank(section: dict[str, Any]) -> int:
    label = section["app_label"]
    return SECTIONS.index(label) if label in SECTIONS else len(SECTIONS)
