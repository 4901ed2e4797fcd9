"""The only writer of timelines; `lifecycle` has the lines written in the transaction of what they tell of.

Some lines are news for whoever waits outside. Such a line is marked as it is written, so it is an outbox:
whatever dies, the mark stays until somebody has taken the news over, in a transaction of its own.
"""

from collections.abc import Collection

from jobs.models import Job, JobEvent


def tell(
    job: Job, verb: str, *, status: str = "", attempt: int = 0, actor: str = "", message: str = ""
) -> None:
    """Add a line; of the job as it stands here, unless it is said how it will."""
    _write(job, verb, status=status, attempt=attempt, actor=actor, message=message)


def announce(job: Job, verb: str, *, actor: str = "", message: str = "") -> None:
    """Add a line that is news: the job was queued or started, or has ended."""
    _write(job, verb, actor=actor, message=message, is_news=True)


def oldest_news(limit: int, *, but: Collection[int] = ()) -> list[int]:
    """Return the ids of the oldest news; `but` are left out."""
    waiting = JobEvent.objects.news().exclude(id__in=but).order_by("id")
    return list(waiting.values_list("id", flat=True)[:limit])


def take_news(ids: Collection[int]) -> list[JobEvent]:
    """Return those of the lines that are news still, and take them over.

    In the caller's transaction, which keeps others waiting: nobody skips what another one holds, or a job's
    lines would be taken over in the wrong order. Within a job they are committed in the order of their ids,
    since each is written under the lock of the job's row.
    """
    lines = list(JobEvent.objects.news().filter(id__in=ids).order_by("id").select_for_update())
    JobEvent.objects.filter(id__in=[line.id for line in lines]).update(is_news=False)
    return lines


def _write(job: Job, verb: str, *, status: str = "", attempt: int = 0, **fields: object) -> None:
    now = {"status": status or job.status, "attempt": attempt or job.attempt}
    JobEvent.objects.create(job_id=job.id, verb=verb, **now, **fields)
