"""What a remote provider is asked for: a job's request with its pictures, checked and made plain."""

import dataclasses
import functools
import uuid
from pathlib import Path

from jobs import abilities, formats, runner, workplace
from jobs.catalogue import Model
from jobs.examiner import Examiner
from jobs.images import Original, Picture
from jobs.models import Job
from jobs.providers.base import FailureCode
from jobs.providers.remote import Order


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """JPEGs, and the frame that follows from the first (pixels)."""

    image: bytes | None
    portrait: bytes | None
    width: int
    height: int


def pictures(job: Job, examiner: Examiner) -> Pictures:
    """Fetch the job's pictures and look at them. Raise ProviderError. No database is needed."""
    if not has_pictures(job):
        width, height = formats.frame_size(job.resolution, job.aspect_ratio)
        return Pictures(image=None, portrait=None, width=width, height=height)
    with workplace.folder(job.id) as folder:
        originals = runner.originals(job, folder)
        look = functools.partial(_plain, folder=folder, examiner=examiner, resolution=job.resolution)
        image = look(originals["image"], failure=FailureCode.INVALID_IMAGE)
        portrait = look(originals["portrait"], failure=FailureCode.REFERENCE_ERROR)
        if image:
            width, height = formats.fit(job.resolution, image.width, image.height)
        else:
            width, height = formats.frame_size(job.resolution, job.aspect_ratio)
        return Pictures(
            image=image.path.read_bytes() if image else None,
            portrait=portrait.path.read_bytes() if portrait else None,
            width=width,
            height=height,
        )


def has_pictures(job: Job) -> bool:
    """Return whether there is anything to fetch."""
    return bool(job.upload or job.image_url or (job.reference_person or {}).get("photo_url"))


def is_for(job: Job, model: Model) -> bool:
    """Return whether a model can do all that the job asks for. A seed that we drew is not asked for."""
    features = abilities.used(
        seed=not job.seed_was_drawn, camera_fixed=job.camera_fixed, reference_person=job.reference_person
    )
    return not abilities.lacks(
        model,
        generation_type=job.generation_type,
        duration=job.duration,
        resolution=job.resolution,
        aspect_ratio=job.aspect_ratio,
        features=features,
    )


def _plain(
    original: Original | None, *, folder: Path, examiner: Examiner, resolution: str, failure: FailureCode
) -> Picture | None:
    """A picture has no more pixels than the video: a phone's photo is larger than some providers take."""
    return examiner.picture(original, folder, failure=failure, resolution=resolution) if original else None


def order(job: Job, shown: Pictures, *, key: uuid.UUID) -> Order:
    """Return the order for one submission."""
    return Order(
        key=key,
        generation_type=job.generation_type,
        prompt=job.prompt,
        width=shown.width,
        height=shown.height,
        resolution=job.resolution,
        aspect_ratio=job.aspect_ratio or formats.ratio_name(shown.width, shown.height),
        duration_seconds=formats.seconds(job.duration),
        seed=job.seed,
        camera_fixed=job.camera_fixed,
        image=shown.image,
        portrait=shown.portrait,
    )
