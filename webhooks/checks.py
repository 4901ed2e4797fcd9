"""System checks: what an operator can get wrong about webhooks, said before anything starts."""

import datetime
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def check(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Return an error for each number that cannot work."""
    none = datetime.timedelta()
    rules = {
        "WEBHOOKS_AT_ONCE must not be below 0.": settings.WEBHOOKS_AT_ONCE >= 0,
        "WEBHOOK_TIMEOUT_SECONDS must be above 0.": settings.WEBHOOK_TIMEOUT_SECONDS > 0,
        "WEBHOOK_RETRY_SECONDS must have no wait below 0.": all(
            wait >= none for wait in settings.WEBHOOK_RETRIES
        ),
        "WEBHOOK_DISABLE_DAYS must be above 0.": none < settings.WEBHOOK_DISABLE_AFTER,
        "WEBHOOK_RETENTION_DAYS must not be below 0.": none <= settings.WEBHOOK_RETENTION,
    }
    return [Error(text, id="webhooks.E001") for text, is_kept in rules.items() if not is_kept]
