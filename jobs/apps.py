"""One generation from submit to settled."""

from django.apps import AppConfig
from django.core import checks

from jobs import checking


class JobsConfig(AppConfig):
    """Gives the ledger's audit the rules about jobs, and checks the settings of prices and models."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dust import audit  # has models, which are there only now
        from jobs.audit import CHECKS

        audit.register(CHECKS)
        checks.register(checking.check)
