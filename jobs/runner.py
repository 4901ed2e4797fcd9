"""A claimed job on a local provider: render, store, complete; or fail."""

import contextlib
import functools
import logging
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings

from base.ids import uuid7
from base.outages import AWAY
from jobs import catalogue, channel, child, formats, kept, lifecycle, pictures, queue, workers, workplace
from jobs.channel import Accepted, Progress
from jobs.child import Ceilings, Process
from jobs.errors import JobLost
from jobs.holding import WRITE_EVERY, Hold
from jobs.images import Original
from jobs.models import Job
from jobs.providers.base import FailureCode, ProviderError, Rendered
from jobs.states import Status
from videos import library

logger = logging.getLogger(__name__)

STORING = 0.99  # the share done when the video is made and has yet to be stored


def run(job_id: uuid.UUID, *, worker: str) -> None:
    """Claim the job and bring it to an end, or to another attempt. Nothing happens if it is not to be had."""
    job = lifecycle.claim(job_id, worker=worker)
    if job is None:
        if workers.is_stopping(worker):  # it came a moment too late: somebody else's, then
            queue.wake(job_id, queue=queue.own_name(), first=True)
        return
    hold = Hold(job)
    with contextlib.suppress(JobLost):
        try:
            with workplace.folder(job.id) as folder:
                _make(job, hold, folder)
        except ProviderError as error:
            hold.insist(functools.partial(_give_up, job, error))
        except OSError as error:  # storage or disk: perhaps gone in a moment
            logger.exception("job %s: storage", job.id)
            fault = ProviderError(FailureCode.INTERNAL_ERROR, f"Storage failed: {error}", retryable=True)
            hold.insist(functools.partial(_give_up, job, fault))
        except (JobLost, *AWAY):
            raise  # nothing can be noted any more: the lease has run out, and the reaper takes over
        except Exception as error:  # the outer edge: whatever a provider does, the user gets the DUST back
            logger.exception("job %s", job.id)
            fault = ProviderError(FailureCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
            hold.insist(functools.partial(_give_up, job, fault))


def _make(job: Job, hold: Hold, folder: Path) -> None:
    model = catalogue.get(job.model)
    if model is None:
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, f"The model {job.model!r} was withdrawn.")
    found = originals(job, folder)
    hold.renew(0.0, "Preparing")  # a slow fetch has used up some of the lease
    ceilings = Ceilings(memory_mb=model.ceiling_mb(), seconds=model.limit_seconds())
    start = kept.keeper.lend if model.kept else child.started
    with start(_specification(job, model, folder, found), folder, ceilings) as process:
        rendered = _result(job, hold, process, seconds=ceilings.seconds)
    channel.require_own(rendered, folder)
    deliver(job, hold, rendered)


def _result(job: Job, hold: Hold, process: Process, *, seconds: float) -> Rendered:
    # A little less than the lease: what was last written is a little older than what was last heard.
    patience = settings.JOB_LEASE.total_seconds() - 2 * WRITE_EVERY
    for message in process.messages(patience=patience, seconds=seconds):
        match message:
            case Accepted() if job.status == Status.STARTING:  # said once
                hold.insist(functools.partial(lifecycle.accept, job))
            case Progress(share, step):
                hold.report(share * STORING, step)
            case Rendered() if job.status == Status.PROCESSING:
                return message
            case Rendered():
                raise channel.nonsense(b"done, before the work was accepted")
    raise AssertionError("messages() ends by returning or raising")


def deliver(job: Job, hold: Hold, rendered: Rendered) -> None:
    """Store a video and complete its job. Raise OSError or JobLost, leaving nothing behind."""
    step = "Storing the video"
    hold.renew(STORING, step)
    video_id = uuid7()
    files = library.store(
        video_id=video_id,
        video=rendered.video,
        poster=rendered.poster,
        on_chunk=lambda: hold.report(STORING, step),
    )
    finish = functools.partial(
        lifecycle.complete, job, video_id=video_id, files=files, details=_details(job, rendered)
    )
    try:
        hold.insist(finish)
    except JobLost:
        # The answer to a commit may have been lost, and the commit not.
        if not Job.objects.became(video_id).filter(id=job.id).exists():
            library.discard(files)
            raise


def originals(job: Job, folder: Path) -> dict[str, Original | None]:
    """Copy the job's pictures into `folder`, unopened. Raise ProviderError."""
    image = portrait = None
    if job.upload:
        image = pictures.uploaded(job.upload, job.upload_name, folder / "image.original")
    elif job.image_url:
        target = folder / "image.original"
        image = pictures.fetched(job.image_url, target, failure=FailureCode.INVALID_IMAGE)
    if photo := (job.reference_person or {}).get("photo_url"):
        target = folder / "portrait.original"
        portrait = pictures.fetched(photo, target, failure=FailureCode.REFERENCE_ERROR)
    return {"image": image, "portrait": portrait}


def _specification(
    job: Job, model: catalogue.Model, folder: Path, unopened: dict[str, Original | None]
) -> dict[str, Any]:
    generation = {
        "job_id": str(job.id),
        "attempt": job.attempt,
        "generation_type": job.generation_type,
        "prompt": job.prompt,
        "resolution": job.resolution,
        "aspect_ratio": job.aspect_ratio,
        "frames_per_second": formats.FRAMES_PER_SECOND,
        "duration_seconds": formats.seconds(job.duration),
        "seed": job.seed,
        "camera_fixed": job.camera_fixed,
        "expected_seconds": job.expected_seconds,
        "options": dict(model.options),
    }
    pictures_as_json = {
        name: original and {"path": str(original.path), "name": original.name, "remark": original.remark}
        for name, original in unopened.items()
    }
    return {"generation": generation, "provider": model.provider, "folder": str(folder), **pictures_as_json}


def _details(job: Job, rendered: Rendered) -> library.Details:
    return library.Details(
        user_id=job.user_id,
        prompt=job.prompt,
        generation_type=job.generation_type,
        duration_seconds=rendered.duration_seconds,
        resolution=job.resolution,
        aspect_ratio=job.aspect_ratio or formats.ratio_name(rendered.width, rendered.height),
        width=rendered.width,
        height=rendered.height,
        fps=rendered.frames_per_second,
        reference_person=job.reference_person,
        metadata=job.metadata,
        model_used=job.made_by or job.model,
        source_image=job.upload,
        source_image_url=job.image_url,
    )


def _give_up(job: Job, error: ProviderError) -> None:
    if error.retryable:
        lifecycle.hand_back(job, code=error.code, detail=error.detail)
    else:
        lifecycle.fail(job, code=error.code, detail=error.detail)
