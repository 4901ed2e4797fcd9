"""Tokens, sign-in and outside identities: who is calling."""

import importlib

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        importlib.import_module("accounts.schema")  # drf-spectacular finds extensions once they are imported
