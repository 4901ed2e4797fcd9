"""The wiring, as an app: its management commands and templates; and the admin, with our front page."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class VideoapiConfig(AppConfig):
    name = "videoapi"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "videoapi.admin_site.Site"
