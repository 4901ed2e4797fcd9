"""The installation's own numbers, with no user's data in them."""

import datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from jobs import estimates
from jobs.models import Job, Tally
from jobs.states import Status

REMEMBERED_SECONDS = 5
DAY = datetime.timedelta(days=1)
SAMPLE = 1000
PROCESSED = "processed"
BEGINNING = datetime.datetime.fromtimestamp(0, datetime.UTC)
# A job's time is that of its statement, and its transaction may be committed after a later one's: those of
# the last minutes are counted each time.
UNSETTLED = datetime.timedelta(minutes=10)


def overview() -> dict[str, Any]:
    """Return what `GET /videos/stats` says, at most a few seconds old."""
    found = cache.get("statistics")
    if found is None:
        found = _count()
        cache.set("statistics", found, REMEMBERED_SECONDS)
    return dict(found)


def _count() -> dict[str, Any]:
    workers = estimates.workers_alive()
    last = Job.objects.completed().order_by("-finished_at").values_list("finished_at", flat=True).first()
    models = _models()
    return {
        "is_running": workers > 0,
        "jobs_processed": _processed(),
        "jobs_queued": Job.objects.queued().count(),
        "jobs_in_progress": Job.objects.running().count(),
        "last_job_completed_at": last,
        "average_processing_time_seconds": _average(),
        "workers": workers,
        "success_rate_24h": _success_rate(),
        "models": models,
    }


def tally() -> None:
    """Count the jobs that have ended since the last time, but for the latest, and keep the sum."""
    with transaction.atomic():
        Tally.objects.get_or_create(name=PROCESSED, defaults={"until": BEGINNING})
        locked = Tally.objects.select_for_update(
            no_key=True
        )  # of two sweeps at once one counts after the other
        kept = locked.annotate(now=Now()).get(name=PROCESSED)
        until = max(kept.until, kept.now - UNSETTLED)  # who waited for the lock has an older `now`
        ended = Job.objects.processed().filter(finished_at__gt=kept.until, finished_at__lte=until)
        Tally.objects.filter(name=PROCESSED).update(number=F("number") + ended.count(), until=until)


def _processed() -> int:
    """Return how many jobs were completed or failed, purged ones included: the tally, and those since."""
    kept = Tally.objects.filter(name=PROCESSED).first() or Tally(until=BEGINNING)
    return kept.number + Job.objects.processed().filter(finished_at__gt=kept.until).count()


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
