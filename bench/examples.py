"""One job of each kind, made by the product itself; the table is filled with copies of their rows."""

import dataclasses
import datetime
import uuid
from typing import Any

from django.db.models import DurationField, F, Model, Value

from accounts.models import User
from base.ids import uuid7
from dust import ledger
from dust.models import Transfer
from jobs import lifecycle, upkeep
from jobs.models import Job, JobEvent, Message
from jobs.order import Order
from jobs.providers.base import FailureCode
from videos import library
from videos.models import Video

COST = 10
KEPT = datetime.timedelta(hours=25)  # longer than a result is kept for clients
PROMPT = "Northern lights over a fjord, seen from a small wooden boat that drifts with the tide"


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """The rows of one job. `made_at` is when its transfers and its video were written, `at` its own time."""

    job: Job
    at: datetime.datetime
    made_at: datetime.datetime
    events: list[JobEvent]
    transfers: list[Transfer]
    video: Video | None
    message: Message | None


def order(user_id: uuid.UUID) -> Order:
    """Return what all of them ask for."""
    return Order(
        user_id=user_id,
        generation_type="text_to_video",
        model="rehearsal",
        prompt=PROMPT,
        duration="short",
        resolution="hd_1080p",
        aspect_ratio="16:9",
        camera_fixed=False,
        seed=7,
        cost=COST,
        expected_seconds=4.0,
        metadata={"scene": 12, "client": "bench"},
    )


def grant(user: User) -> Transfer:
    """Return the transfer that an account begins with."""
    account = ledger.open_account(user.pk)
    movement = ledger.grant(account.pk, 10**9, key=f"bench:{user.pk}", actor="bench", reason="To spend")
    return Transfer.objects.get(pk=movement.id)


def completed(user: User) -> Example:
    job = _begun(user)
    lifecycle.accept(job)
    video_id = uuid7()
    files = library.StoredFiles(file=f"{video_id}.mp4", poster=f"{video_id}.jpg", size_bytes=1_000_000)
    details = library.Details(
        user_id=user.pk,
        prompt=PROMPT,
        generation_type=job.generation_type,
        duration_seconds=5.0,
        resolution=job.resolution,
        aspect_ratio=job.aspect_ratio,
        width=1920,
        height=1080,
        fps=24,
        reference_person=None,
        metadata=job.metadata,
        model_used=job.model,
    )
    lifecycle.complete(job, video_id=video_id, files=files, details=details)
    return _finished(job)


def failed(user: User) -> Example:
    job = _begun(user)
    lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    return _finished(job)


def cancelled(user: User) -> Example:
    job = lifecycle.submit(order(user.pk))
    lifecycle.cancel(job)
    return _finished(job)


def _finished(job: Job) -> Example:
    Message.objects.filter(job_id=job.id).delete()  # as the worker does that has dealt with it
    return _read(job)


def queued(user: User) -> Example:
    return _read(lifecycle.submit(order(user.pk)))


def cleared(example: Example) -> Example:
    """Return the same job after its result time is over."""
    span = Value(KEPT, output_field=DurationField())
    times = [field.name for field in Job._meta.fields if field.get_internal_type() == "DateTimeField"]  # noqa: SLF001
    Job.objects.filter(id=example.job.id).update(**{name: F(name) - span for name in times})
    JobEvent.objects.filter(job_id=example.job.id).update(at=F("at") - span)
    job = Job.objects.get(id=example.job.id)
    upkeep.expire(job)
    return dataclasses.replace(_read(job), made_at=example.made_at)


def column_values(row: Model, connection: Any) -> dict[str, Any]:
    """Return a row as this database is given it, by column."""
    fields = row._meta.concrete_fields  # noqa: SLF001
    return {field.column: field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields}


def _begun(user: User) -> Job:
    waiting = lifecycle.submit(order(user.pk))
    job = lifecycle.claim(waiting.id, worker="bench")
    if job is None:
        raise RuntimeError("The example's job was not to be had.")
    return job


def _read(job: Job) -> Example:
    job = Job.objects.select_related("video").get(id=job.id)
    transfers = list(Transfer.objects.filter(job_id=job.id).order_by("seq"))
    return Example(
        job=job,
        at=job.created_at,
        made_at=transfers[0].created_at,
        events=list(JobEvent.objects.filter(job=job).order_by("id")),
        transfers=transfers,
        video=job.video,
        message=Message.objects.filter(job_id=job.id).first(),
    )
