"""Orders and clocks for tests of jobs."""

import datetime

from django.db.models import DurationField, F, Value

from base.ids import uuid7
from jobs import lifecycle
from jobs.models import Job
from jobs.order import Order
from videos import library

PRICE = 10
OPENING = 100


def order_for(user, **changes):
    fields = {
        "user_id": user.pk,
        "generation_type": "text_to_video",
        "model": "rehearsal",
        "prompt": "a quiet sea",
        "duration": "short",
        "resolution": "sd_480p",
        "aspect_ratio": "16:9",
        "camera_fixed": False,
        "seed": 7,
        "cost": PRICE,
        "expected_seconds": 4.0,
    }
    return Order(**{**fields, **changes})


def move_clock(job, **by):
    """Make the database's clock stand later for this job: all its times move back by as much."""
    span = Value(datetime.timedelta(**by), output_field=DurationField())
    names = [field.name for field in Job._meta.fields if field.get_internal_type() == "DateTimeField"]
    Job.objects.filter(id=job.id).update(**{name: F(name) - span for name in names})


def details_of(job):
    return library.Details(
        user_id=job.user_id,
        prompt=job.prompt,
        generation_type=job.generation_type,
        duration_seconds=5.0,
        resolution=job.resolution,
        aspect_ratio=job.aspect_ratio,
        width=854,
        height=480,
        fps=24,
        reference_person=None,
        metadata={},
        model_used=job.model,
    )


def stored_files(tmp_path, video_id):
    video, poster = tmp_path / "v.mp4", tmp_path / "p.jpg"
    video.write_bytes(b"a video")
    poster.write_bytes(b"a poster")
    return library.store(video_id=video_id, video=video, poster=poster)


def finish(job, tmp_path):
    """Complete a processing job with small stand-in files; return the video's id."""
    video_id = uuid7()
    files = stored_files(tmp_path, video_id)
    lifecycle.complete(job, video_id=video_id, files=files, details=details_of(job))
    return video_id
