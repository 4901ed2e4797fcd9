"""The daily chores: what was told long ago is forgotten, and secrets follow a new SECRET_KEY."""

from django.conf import settings

from jobs.housekeeping import Count
from webhooks import deliveries, endpoints


def purge_deliveries(*, dry_run: bool = False) -> list[Count]:
    """Delete deliveries that ended longer ago than `WEBHOOK_RETENTION`."""
    return [Count("webhook deliveries purged", deliveries.purge(settings.WEBHOOK_RETENTION, dry_run=dry_run))]


def reseal_secrets(*, dry_run: bool = False) -> list[Count]:
    """Seal webhooks' secrets with today's SECRET_KEY, so that a former one can be dropped."""
    return [Count("webhook secrets sealed anew", endpoints.reseal(dry_run=dry_run))]


DAILY = (purge_deliveries, reseal_secrets)
