"""Messages to users' servers about their jobs."""

from django.apps import AppConfig
from django.core import checks


class WebhooksConfig(AppConfig):
    """Has every supervisor run a courier, and do our chores with the daily ones; checks the settings."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs import crew, housekeeping  # have models, which are there only now
        from webhooks import upkeep
        from webhooks.checks import check
        from webhooks.courier import Courier

        checks.register(check)
        crew.sign_on(Courier)
        for chore in upkeep.DAILY:
            housekeeping.register(chore)
