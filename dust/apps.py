"""DUST: accounts, transfers and the one writer of both."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from dust import triggers


class DustConfig(AppConfig):
    name = "dust"
    verbose_name = "DUST"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_guard_tables, sender=self)


def _guard_tables(*, using: str, **_: Any) -> None:
    """Put back the triggers that a table rebuild has dropped."""
    triggers.install(connections[using])
