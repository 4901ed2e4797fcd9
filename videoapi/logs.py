"""Where log lines go: to standard error, each with the id of the request it belongs to."""

from typing import Any


def to_console(level: str) -> dict[str, Any]:
    """Return what Django's LOGGING is to be, for lines of this level and above."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "videoapi.middleware.RequestIdFilter"}},
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]},
        },
        # these two would have a line for each pulse, and for each request to a provider
        "loggers": {"django-q": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}},
        "root": {"handlers": ["console"], "level": level},
    }
