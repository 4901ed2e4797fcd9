"""DUST: accounts, transfers and the one writer of both."""

from django.apps import AppConfig


class DustConfig(AppConfig):
    name = "dust"
    default_auto_field = "django.db.models.BigAutoField"
