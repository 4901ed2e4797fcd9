"""The wiring, as an app: its management commands and templates."""

from django.apps import AppConfig


class VideoapiConfig(AppConfig):
    name = "videoapi"
