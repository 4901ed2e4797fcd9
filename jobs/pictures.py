"""Where a job's pictures come from: fetched or uploaded. Bytes are copied; nothing is opened here."""

import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from jobs import outbound
from jobs.images import Original
from jobs.providers.base import FailureCode, ProviderError

ACCEPT = "image/jpeg,image/png,image/webp,image/avif;q=0.9"


def fetched(url: str, target: Path, *, failure: FailureCode) -> Original:
    """Fetch what is at `url` into `target`. Raise ProviderError with `failure`."""
    try:
        found = outbound.fetch(
            url,
            target,
            max_bytes=settings.MAX_UPLOAD_BYTES,
            deadline=settings.OUTBOUND_TIMEOUT_SECONDS,
            accept=ACCEPT,
        )
    except outbound.OutboundRefused as error:
        raise ProviderError(failure, error.reason) from error
    except outbound.OutboundFailed as error:
        raise ProviderError(failure, error.reason, retryable=True) from error
    # The URL's own ending says little: many servers choose the format by the Accept header.
    return Original(path=target, remark=f" It was sent as {found.content_type or 'nothing'}.")


def uploaded(stored: str, name: str, target: Path) -> Original:
    """Copy the upload stored under `stored` to `target`; `name` is what the user called it.

    Raise ProviderError if our storage is at fault.
    """
    try:
        with default_storage.open(stored) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        detail = f"The stored upload could not be read: {error}"
        raise ProviderError(FailureCode.INTERNAL_ERROR, detail, retryable=True) from error
    return Original(path=target, name=name)
