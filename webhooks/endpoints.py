"""The only writer of endpoints and of secrets; that one is disabled, `receivers` may say, too."""

import contextlib
import datetime
import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from jobs import clock
from webhooks import keys, receivers
from webhooks.errors import TooManyWebhooks, unless_gone
from webhooks.models import Endpoint, JobSecret, Receiver, Signing

OVERLAP = datetime.timedelta(hours=24)
DELETE_TRIES = 5
BY_USER = "Disabled by its owner."


def create(
    user_id: uuid.UUID, *, url: str, event_types: list[str], description: str = ""
) -> tuple[Endpoint, str]:
    """Register a URL; return the endpoint with its secret, which is shown this once.

    Raise TooManyWebhooks.
    """
    secret = keys.new()
    with transaction.atomic():
        # under the user's lock, so that equal requests at once can't pass the limit together
        User.objects.select_for_update(no_key=True).get(pk=user_id)
        require_room(user_id)
        endpoint = Endpoint.objects.create(
            user_id=user_id,
            url=url,
            event_types=sorted(set(event_types)),
            description=description,
            secret=keys.seal(secret),
        )
        receivers.open_for(endpoint)
    endpoint.refresh_from_db()
    return endpoint, secret


def require_room(user_id: uuid.UUID) -> None:
    """Raise TooManyWebhooks if the user has as many as is allowed."""
    if Endpoint.objects.owned_by(user_id).count() >= settings.MAX_WEBHOOKS:
        raise TooManyWebhooks(limit=settings.MAX_WEBHOOKS)


@unless_gone()
def change(endpoint: Endpoint, *, is_enabled: bool | None = None, **fields: Any) -> None:
    """Change what is given, of `url`, `event_types` and `description`; enable or disable it.

    Raise NoSuchWebhook.
    """
    with transaction.atomic():
        if "url" in fields and fields["url"] != endpoint.url:
            receivers.start_afresh(endpoint)  # another server: what the one before did says nothing of it
        if "event_types" in fields:
            fields["event_types"] = sorted(set(fields["event_types"]))
        Endpoint.objects.filter(id=endpoint.id).update(updated_at=Now(), **fields)
        if is_enabled is not None:
            enable(endpoint) if is_enabled else receivers.disable(endpoint.id, reason=BY_USER)
    endpoint.refresh_from_db()


def enable(endpoint: Endpoint) -> bool:
    """Have it told of what happens from now on; return whether it was disabled."""
    with transaction.atomic():
        disabled = Endpoint.objects.filter(id=endpoint.id).exclude(disabled_at=None)
        if not disabled.update(disabled_at=None, disabled_reason="", updated_at=Now()):
            return False
        receivers.start_afresh(endpoint)
    return True


def delete(endpoint: Endpoint) -> None:
    """Remove it with all that it was told."""
    receivers.disable(endpoint.id, reason=BY_USER)  # so that there is an end to what is planned for it
    for left in reversed(range(DELETE_TRIES)):
        try:
            with transaction.atomic():
                Endpoint.objects.filter(id=endpoint.id).delete()
        except IntegrityError:  # of what was planned or noted since it looked: the next try finds that, too
            if not left:
                raise
        else:
            return


@unless_gone()
def rotate(endpoint: Endpoint) -> str:
    """Give it a new secret and return that, this once; the one before signs along for a day.

    Raise NoSuchWebhook.
    """
    secret = keys.new()
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().get(id=endpoint.id)
        Endpoint.objects.filter(id=endpoint.id).update(updated_at=Now(), **_rotated(row.secret, secret))
    endpoint.refresh_from_db()
    return secret


def rotate_job_secret(user_id: uuid.UUID) -> tuple[JobSecret, str]:
    """Do the same with what signs messages to the URLs of a user's jobs; at first there is none before."""
    secret = keys.new()
    with transaction.atomic():
        row, is_new = JobSecret.objects.select_for_update().get_or_create(
            user_id=user_id, defaults={"secret": keys.seal(secret)}
        )
        if not is_new:
            rotated = _rotated(row.secret, secret)
            JobSecret.objects.filter(user_id=user_id).update(rotated_at=Now(), **rotated)
    row.refresh_from_db()
    return row, secret


def secrets_of(receiver: Receiver) -> tuple[str, ...]:
    """Return what signs: the secret, and for a day after a rotation the one before; none if unreadable."""
    signing: Any
    if receiver.endpoint_id is not None:
        signing = Endpoint.objects.filter(id=receiver.endpoint_id)
    else:
        JobSecret.objects.get_or_create(user_id=receiver.user_id, defaults={"secret": keys.seal(keys.new())})
        signing = JobSecret.objects.filter(user_id=receiver.user_id)
    row: Signing = signing.get()
    sealed = [row.secret, *([row.previous_secret] if _overlaps(signing) else [])]
    try:
        return tuple(keys.unseal(each) for each in sealed)
    except keys.Unreadable:
        return ()


def _overlaps(signing: Any) -> bool:
    return bool(signing.filter(previous_until__gt=Now()).exists())


def reseal(*, dry_run: bool = False) -> int:
    """Seal with today's SECRET_KEY what was sealed with a former one; return how many secrets."""
    return sum(
        _reseal(rows, name, dry_run)
        for rows in (Endpoint.objects.all(), JobSecret.objects.all())
        for name in ("secret", "previous_secret")
    )


def _reseal(rows: Any, name: str, dry_run: bool) -> int:
    number = 0
    for pk, sealed in rows.exclude(**{name: ""}).values_list("pk", name).iterator():
        with contextlib.suppress(keys.Unreadable):  # its owner has to rotate it
            if again := keys.resealed(sealed):
                same = rows.filter(**{"pk": pk, name: sealed})  # not rotated meanwhile
                number += int(dry_run) or same.update(**{name: again})
    return number


def _rotated(sealed: str, secret: str) -> dict[str, Any]:
    return {
        "secret": keys.seal(secret),
        "previous_secret": sealed,
        "previous_until": clock.from_now(OVERLAP),
    }
