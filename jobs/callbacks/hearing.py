"""What becomes of a provider's webhook: if it is genuine, its job is asked about now rather than later.

Whatever it says of the work is not read. So a lie costs one question, and one that is lost costs nothing.
"""

import logging
import uuid

from jobs import catalogue, remote_tasks
from jobs.callbacks import published
from jobs.catalogue import Model
from jobs.models import RemoteTask
from jobs.providers.remote import Notice, RemoteProvider, Webhook

logger = logging.getLogger(__name__)


def of_submission(alias: str, key: uuid.UUID, notice: Notice) -> bool:
    """Heed a webhook that came to a submission's own address; return whether it is genuine."""
    model = catalogue.get(alias)
    if model is None or not _is_genuine(model, notice, is_addressed=True):
        return False
    remote_tasks.hint(RemoteTask.objects.filter(key=key, model=alias))
    return True


def of_account(alias: str, notice: Notice) -> bool:
    """Heed a webhook that came to the address of an account; return whether it is genuine."""
    model = catalogue.get(alias)
    if model is None or not _is_genuine(model, notice, is_addressed=False):
        return False
    adapter = model.adapter()
    if remote_id := adapter.told_of(notice):
        remote_tasks.hint(RemoteTask.objects.filter(account=adapter.route.account, remote_id=remote_id))
    return True


def _is_genuine(model: Model, notice: Notice, *, is_addressed: bool) -> bool:
    if model.remote is None:
        return False
    adapter = model.adapter()
    match adapter.capabilities.webhook:
        case Webhook.NONE:
            return False
        case Webhook.ADDRESS:
            return is_addressed
        case Webhook.SECRET:
            is_genuine = adapter.is_genuine(notice, model.remote.webhook_secrets())
        case Webhook.PUBLISHED:
            # not for strangers: who can write to the address decides when keys are fetched
            is_genuine = is_addressed and _is_signed_with_published(adapter, notice)
    if not is_genuine:
        logger.warning("a webhook for %s has no signature that we know: it is not heeded", model.alias)
    return is_genuine


def _is_signed_with_published(adapter: RemoteProvider, notice: Notice) -> bool:
    url = adapter.published_at()
    return adapter.is_genuine(notice, published.keys(url)) or adapter.is_genuine(
        notice, published.keys(url, newer=True)
    )
