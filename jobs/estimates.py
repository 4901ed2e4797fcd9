"""How long a job will take: from this installation's own finished jobs, and the queue now."""

import math
from typing import Any

from django.core.cache import cache
from django.db.models import Sum
from django.db.models.functions import Coalesce

from jobs import workers
from jobs.catalogue import Model
from jobs.models import Job, Worker
from jobs.states import Status

RECENT = 50
PERCENTILE = 0.8  # late is worse than early: four of five jobs are done by the time we say
HISTORY_SECONDS = 30
QUEUE_SECONDS = 2


def expected_seconds(model: Model, *, generation_type: str, resolution: str, duration: str) -> float:
    """Return the seconds of work for such a job: the 80th percentile of the 50 last, else the stated time."""
    key = f"expected:{model.alias}:{generation_type}:{resolution}:{duration}"
    found = cache.get(key)
    if found is None:
        same = Job.objects.completed().filter(
            model=model.alias, generation_type=generation_type, resolution=resolution, duration=duration
        )
        recent = same.order_by("-finished_at").values_list("generation_ms", flat=True)[:RECENT]
        found = percentile([milliseconds / 1000 for milliseconds in recent if milliseconds], PERCENTILE)
        if found is None:
            found = model.stated_seconds(resolution=resolution, duration=duration)
        cache.set(key, found, HISTORY_SECONDS)
    return float(found)


def percentile(values: list[float], share: float) -> float | None:
    """Return the nearest-rank percentile, None of nothing."""
    if not values:
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def slots(queue: str) -> int:
    """Return how many jobs of this queue run at once here, at least 1; remembered for a moment."""
    found = cache.get(f"slots:{queue}")
    if found is None:
        found = Worker.objects.alive(workers.sign_of_life()).serving(queue).slots()
        cache.set(f"slots:{queue}", found, QUEUE_SECONDS)
    return max(1, int(found))


def workers_alive() -> int:
    """Return how many worker clusters gave a sign of life lately."""
    return Worker.objects.alive(workers.sign_of_life()).count()


def until_done(expected: float, *, queue: str) -> int:
    """Return the seconds until a job submitted now will be done: the queue ahead, and its own work."""
    backlog = cache.get(f"backlog:{queue}")
    if backlog is None:
        ahead = Job.objects.queued().filter(queue=queue).order_by()
        backlog = ahead.aggregate(seconds=Coalesce(Sum("expected_seconds"), 0.0))["seconds"]
        cache.set(f"backlog:{queue}", backlog, QUEUE_SECONDS)
    return whole(backlog / slots(queue) + expected)


def remaining(job: Any) -> int | None:
    """Return the seconds a job still needs; None once it has ended.

    `job` comes from `Job.objects.seen_now().with_queue_ahead()`.
    """
    if job.is_finished:
        return None
    if job.status == Status.QUEUED:
        return whole(job.ahead_seconds / slots(job.queue) + job.expected_seconds)
    elapsed = max(0.0, (job.now - (job.claimed_at or job.updated_at)).total_seconds())
    if job.progress >= 0.1:  # before that the pace says little
        return whole(elapsed * (1 - job.progress) / job.progress)
    return whole(job.expected_seconds - elapsed)


def whole(seconds: float) -> int:
    """Return whole seconds, at least 1: nothing unfinished is 0 seconds away."""
    return max(1, math.ceil(seconds))
