"""One generation from submit to settled."""

import os
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.conf import settings
from django.core import checks
from django.db.models.signals import post_migrate

from base.postgresql import connection
from jobs import checking, cluster, support


class JobsConfig(AppConfig):
    """Gives the ledger's audit the rules about jobs, and checks the settings of prices and models.

    In a cluster, whose start is the engine's, it also limits the wait for the database.
    """

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dust import audit  # has models, which are there only now
        from jobs.audit import CHECKS

        audit.register(CHECKS)
        checks.register(checking.check)
        post_migrate.connect(_make_groups, sender=self)
        if cluster.OWNER_VARIABLE in os.environ:  # before the cluster forks: in all its processes
            connection.limit_statements(settings.WORKER_DATABASE_TIMEOUT_SECONDS)


def _make_groups(*, using: str, apps: Any = installed, **_: Any) -> None:
    """Make staff's groups: when their last right is there, and again when a `flush` has emptied them away."""
    support.make_groups(apps, using=using)
