"""The installation's own numbers, with no user's data in them."""

import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import Now

from jobs import estimates, states
from jobs.models import Job
from jobs.states import Status

REMEMBERED_SECONDS = 5
DAY = datetime.timedelta(days=1)
SAMPLE = 1000


def overview() -> dict[str, Any]:
    """Return what `GET /videos/stats` says, at most a few seconds old."""
    found = cache.get("statistics")
    if found is None:
        found = _count()
        cache.set("statistics", found, REMEMBERED_SECONDS)
    return dict(found)


def _count() -> dict[str, Any]:
    workers = estimates.workers_alive()
    counts = Job.objects.aggregate(
        processed=Count("id", filter=Q(status__in=(Status.COMPLETED, Status.FAILED))),
        queued=Count("id", filter=Q(status=Status.QUEUED)),
        running=Count("id", filter=Q(status__in=states.RUNNING)),
    )
    last = Job.objects.completed().order_by("-finished_at").values_list("finished_at", flat=True).first()
    models = _models()
    return {
        "is_running": workers > 0,
        "jobs_processed": counts["processed"],
        "jobs_queued": counts["queued"],
        "jobs_in_progress": counts["running"],
        "last_job_completed_at": last,
        "average_processing_time_seconds": _average(),
        "workers": workers,
        "success_rate_24h": _success_rate(),
        "models": models,
    }


def _average() -> float | None:
    """Return the mean time of the last completed jobs, in seconds."""
    recent = Job.objects.completed().order_by("-finished_at").values_list("generation_ms", flat=True)[:SAMPLE]
    times = [milliseconds for milliseconds in recent if milliseconds is not None]
    return round(sum(times) / len(times) / 1000, 2) if times else None


def _success_rate() -> float | None:
    ended = Job.objects.filter(finished_at__gte=Now() - DAY).aggregate(
        completed=Count("id", filter=Q(status=Status.COMPLETED)),
        failed=Count("id", filter=Q(status=Status.FAILED)),
    )
    total = ended["completed"] + ended["failed"]
    return round(ended["completed"] / total, 4) if total else None


def _models() -> list[dict[str, Any]]:
    today = Job.objects.completed().filter(finished_at__gte=Now() - DAY)
    counts = today.order_by("model").values_list("model").annotate(number=Count("id"))
    return [{"model": model, "jobs_24h": number, **_times(model)} for model, number in counts]


def _times(model: str) -> dict[str, float | None]:
    recent = (
        Job.objects.completed().filter(model=model, finished_at__gte=Now() - DAY).order_by("-finished_at")
    )
    times = [ms / 1000 for ms in recent.values_list("generation_ms", flat=True)[:SAMPLE] if ms is not None]
    return {"p50_seconds": estimates.percentile(times, 0.5), "p95_seconds": estimates.percentile(times, 0.95)}
