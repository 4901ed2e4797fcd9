"""From a checked request to a receipt: price, estimate, key and job, once."""

import contextlib
import dataclasses
import secrets
import uuid
from typing import Any, Protocol

from django.conf import settings
from django.core.files import File
from django.db import transaction

from base.outages import AWAY
from dust import ledger
from jobs import abilities, catalogue, estimates, idempotency, lifecycle, pricing, uploads
from jobs.models import Job
from jobs.order import Order

SEEDS = 2**31
COPIED = (
    "prompt",
    "duration",
    "resolution",
    "aspect_ratio",
    "camera_fixed",
    "seed",
    "reference_person",
    "metadata",
    "image_url",
    "webhook_url",
    "model",
)


class Mark(Protocol):
    """What tells a repeated submit from a new one."""

    def find(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        """Return the receipt of the submit that this one repeats, None if there is none to be seen."""

    def claim(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        """Do the same inside a transaction, and hold up equal submits until it ends."""

    def record(self, user_id: uuid.UUID, receipt: dict[str, Any]) -> None:
        """Keep the receipt of a new submit, in the same transaction."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An `Idempotency-Key` and the fingerprint of the request it came with."""

    key: str
    fingerprint: str

    def find(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        return idempotency.find(user_id, self.key, self.fingerprint)

    def claim(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        return idempotency.claim(user_id, self.key, self.fingerprint)

    def record(self, user_id: uuid.UUID, receipt: dict[str, Any]) -> None:
        idempotency.record(user_id, self.key, receipt)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a submit is answered with."""

    job_id: str
    estimated_completion_seconds: int
    cost: int
    balance: int
    replayed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a submit would cost and take."""

    cost: int
    estimated_completion_seconds: int
    available: int


def earlier(user_id: uuid.UUID, mark: Mark | None) -> Receipt | None:
    """Return the receipt of an equal earlier request with this mark. Raise IdempotencyKeyReused."""
    found = mark and mark.find(user_id)
    return Receipt(**found, replayed=True) if found else None


def submit(order: Order, mark: Mark | None, picture: File[Any] | None = None) -> Receipt:
    """Make the job, its hold and the mark's row in one transaction; a replay makes nothing.

    Raise what `lifecycle.submit` and `idempotency.claim` do, or StorageAway; then nothing is kept.
    """
    with contextlib.ExitStack() as undo:
        if picture is not None:
            name = uploads.keep(picture)  # slow, so outside the transaction
            undo.callback(uploads.drop, name)
            order = dataclasses.replace(order, upload=name, upload_name=uploads.shown_name(picture.name))
        try:
            receipt = _submit_once(order, mark, seconds=_until_done(order))
        except AWAY:
            undo.pop_all()  # only the commit's answer may have been lost: the clean-up sees what it meant
            raise
        if not receipt.replayed:
            undo.pop_all()
    return receipt


def _submit_once(
    order: Order, mark: Mark | None, *, seconds: int, actor: str = "", reason: str = ""
) -> Receipt:
    account = ledger.open_account(order.user_id)
    with transaction.atomic():
        if mark and (found := mark.claim(order.user_id)):
            return Receipt(**found, replayed=True)
        job, available = lifecycle.place(order, account_id=account.pk, actor=actor, reason=reason)
        receipt = Receipt(
            job_id=str(job.id),
            estimated_completion_seconds=seconds,
            cost=order.cost,
            balance=available,
        )
        if mark:
            kept = {name: value for name, value in dataclasses.asdict(receipt).items() if name != "replayed"}
            mark.record(order.user_id, kept)
    return receipt


def order(user_id: uuid.UUID, generation_type: str, fields: dict[str, Any], *, request_id: str) -> Order:
    """Return the order for checked fields: model, price and expected time. Raise InvalidOrder."""
    asked = {
        "model": fields.get("model") or settings.DEFAULT_MODEL,
        "resolution": fields["resolution"],
        "duration": fields["duration"],
    }
    seed = fields.get("seed")
    model = abilities.require(
        asked["model"],
        generation_type=generation_type,
        aspect_ratio=fields.get("aspect_ratio", ""),
        duration=asked["duration"],
        resolution=asked["resolution"],
        features=abilities.used(
            seed=seed is not None,
            camera_fixed=fields["camera_fixed"],
            reference_person=fields.get("reference_person"),
        ),
    )
    expected = estimates.expected_seconds(
        model, generation_type=generation_type, resolution=asked["resolution"], duration=asked["duration"]
    )
    return Order(
        user_id=user_id,
        generation_type=generation_type,
        prompt=fields["prompt"],
        aspect_ratio=fields.get("aspect_ratio", ""),
        camera_fixed=fields["camera_fixed"],
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
        seed_was_drawn=seed is None,
        cost=pricing.cost(generation_type=generation_type, **asked),
        queue=model.queue,
        expected_seconds=expected,
        reference_person=fields.get("reference_person"),
        metadata=fields["metadata"],
        image_url=fields.get("image_url", ""),
        webhook_url=fields.get("webhook_url") or "",
        request_id=request_id,
        **asked,
    )


def quote(user_id: uuid.UUID, *, generation_type: str, model: str, resolution: str, duration: str) -> Quote:
    """Return the price, the time and what the user can spend. Raise InvalidOrder."""
    asked = {"generation_type": generation_type, "resolution": resolution, "duration": duration}
    chosen = abilities.require(model, aspect_ratio="", **asked)
    return Quote(
        cost=pricing.cost(model=model, **asked),
        estimated_completion_seconds=estimates.until_done(
            estimates.expected_seconds(chosen, **asked), queue=chosen.queue
        ),
        available=ledger.balance(user_id).available,
    )


def rerun(job: Job, key: Key, *, actor: str, reason: str) -> Receipt:
    """Submit a finished job's request again, for the same user and at today's price, linked to the old one.

    Raise InvalidOrder if the model can't do it any more or the picture is gone, or as `submit`.
    """
    if found := earlier(job.user_id, key):
        return found
    fields = {name: getattr(job, name) for name in COPIED}
    model = catalogue.get(job.model)
    # of an old job it is known only if the model takes none
    is_ours = job.seed_was_drawn or (model is not None and "seed" not in model.features)
    if is_ours:
        fields["seed"] = None
    fresh = order(job.user_id, job.generation_type, fields, request_id=job.request_id)
    if is_ours:
        fresh = dataclasses.replace(fresh, seed=job.seed)
    seconds = _until_done(fresh)
    with contextlib.ExitStack() as undo:
        picture = uploads.copy_for_rerun(job)
        undo.callback(uploads.drop, picture)
        fresh = dataclasses.replace(fresh, rerun_of_id=job.id, upload=picture, upload_name=job.upload_name)
        receipt = _submit_once(fresh, key, seconds=seconds, actor=actor, reason=reason)
        if not receipt.replayed:
            undo.pop_all()
    return receipt


def _until_done(order: Order) -> int:
    return estimates.until_done(order.expected_seconds, queue=order.queue)
