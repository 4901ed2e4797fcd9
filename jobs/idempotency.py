"""`Idempotency-Key`: a repeated submit gets the first answer again, also when both arrive at once.

The key's row is written in the transaction of the job and its hold, so it exists exactly if they do. Follows
draft-ietf-httpapi-idempotency-key-header; a request that was refused leaves nothing, so its key can be used
again once the reason is gone.
"""

import contextlib
import datetime
import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import CharField, UUIDField
from django.db.models.functions import Now

from base.prepared import Place, Prepared
from jobs.errors import IdempotencyInProgress, IdempotencyKeyReused
from jobs.models import IdempotencyKey

LIFETIME = datetime.timedelta(hours=24)
# One statement where Django would need a savepoint around an INSERT that may fail. It waits for an equal one
# in another transaction, and writes nothing if that commits.
_TAKE = """
INSERT INTO jobs_idempotencykey (user_id, key, fingerprint, receipt) VALUES (%s, %s, %s, '{}')
ON CONFLICT (user_id, key) DO NOTHING RETURNING id
"""
_KEPT = Prepared(
    IdempotencyKey.objects.filter(
        user_id=Place("user_id", UUIDField()), key=Place("key", CharField()), created_at__gte=Now() - LIFETIME
    )
)
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a lock_timeout


def fingerprint(endpoint: str, body: Any, upload: bytes = b"") -> str:
    """Return a hash that is equal for equal requests; `upload` is the digest of an uploaded file."""
    text = json.dumps([endpoint, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode() + b"\0" + upload).hexdigest()


def find(user_id: Any, key: str, print_: str) -> dict[str, Any] | None:
    """Return the receipt of an earlier equal request, None if there is none. Raise IdempotencyKeyReused."""
    row = _KEPT.first(user_id=user_id, key=key)
    return None if row is None else _receipt(row, print_)


def _receipt(row: IdempotencyKey, print_: str) -> dict[str, Any]:
    if row.fingerprint != print_:
        raise IdempotencyKeyReused
    return dict(row.receipt)


def claim(user_id: Any, key: str, print_: str) -> dict[str, Any] | None:
    """Take the key inside the caller's transaction; return the receipt instead if it was taken before.

    Waits for an equal request that is being worked on. Raise IdempotencyInProgress if that takes too long,
    IdempotencyKeyReused if the key stands for another request.
    """
    own = IdempotencyKey.objects.filter(user_id=user_id, key=key)
    with _bounded_wait():
        while not _take(user_id, key, print_):  # the other one has committed, maybe while we waited
            if earlier := find(user_id, key, print_):
                return earlier
            own.filter(created_at__lt=Now() - LIFETIME).delete()
    return None


def _take(user_id: Any, key: str, print_: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [UUIDField().get_db_prep_value(user_id, connection), key, print_])
        return cursor.fetchone() is not None


def record(user_id: Any, key: str, receipt: dict[str, Any]) -> None:
    """Keep the answer beside the key, in the same transaction."""
    IdempotencyKey.objects.filter(user_id=user_id, key=key).update(receipt=receipt)


def remove_stale(*, dry_run: bool = False) -> int:
    """Delete keys past their lifetime; return how many."""
    stale = IdempotencyKey.objects.filter(created_at__lt=Now() - LIFETIME)
    return stale.count() if dry_run else stale.delete()[0]


@contextlib.contextmanager
def _bounded_wait() -> Any:
    # On SQLite writers already queue for the one write lock, with a timeout of their own.
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{settings.IDEMPOTENCY_WAIT_MS}ms"])
        try:
            yield
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
                raise IdempotencyInProgress from error
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
