"""Makes messages of what timelines have to tell: each line once for each receiver, in one transaction."""

import collections
import logging
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction

from base.outages import AWAY
from jobs import outbound, timeline
from jobs.models import Job, JobEvent
from jobs.states import Status
from webhooks import deliveries, messages, receivers
from webhooks.deliveries import Message
from webhooks.events import OF_STATUS, EventType
from webhooks.models import Endpoint, Receiver

logger = logging.getLogger(__name__)

BATCH = 200


def fan_out(*, but: set[int]) -> int:
    """Turn the oldest news into deliveries; return how many lines were taken over.

    `but` are lines that could not be dealt with, to which new ones are added: they hold up no others.
    """
    news = timeline.oldest_news(BATCH, but=but)
    try:
        return _tell(news) if news else 0
    except AWAY:
        raise
    except Exception:  # an outer edge: whatever is wrong with one job, the others' news are told
        logger.exception("some news could not be told: each on its own, then")
    return sum(_tell_alone(line_id, but) for line_id in news)


def _tell_alone(line_id: int, but: set[int]) -> int:
    try:
        return _tell([line_id])
    except AWAY:
        raise
    except Exception:  # an outer edge: as above
        logger.exception("line %s of a timeline could not be told", line_id)
        but.add(line_id)
        return 0


@transaction.atomic
def _tell(ids: Collection[int]) -> int:
    lines = timeline.take_news(ids)
    deliveries.plan(_messages(lines))
    return len(lines)


def _messages(lines: Iterable[JobEvent]) -> list[Message]:
    whose = {job.id: job for job in _jobs(lines).only("id", "user_id", "webhook_url")}
    endpoints = _endpoints({job.user_id for job in whose.values()})
    told = [(line, _receivers(line, whose[line.job_id], endpoints)) for line in lines]
    wanted = [line for line, heard_by in told if heard_by]
    standing = {job.id: job for job in _jobs(wanted).seen_now().with_queue_ahead()}
    return [
        Message(
            receiver=receiver,
            url=url,
            job_id=line.job_id,
            event_id=line.id,
            type=_type(line),
            body=messages.about_job(Status(line.status), line.at, standing[line.job_id]),
        )
        for line, heard_by in told
        for receiver, url in heard_by
    ]


def _type(line: JobEvent) -> EventType:
    return OF_STATUS[Status(line.status)]


def _jobs(lines: Iterable[JobEvent]) -> Any:
    return Job.objects.filter(id__in={line.job_id for line in lines})


def _endpoints(user_ids: set[Any]) -> dict[Any, list[Endpoint]]:
    found = collections.defaultdict(list)
    for endpoint in Endpoint.objects.enabled().filter(user__in=user_ids).select_related("receiver"):
        found[endpoint.user_id].append(endpoint)
    return found


def _receivers(line: JobEvent, job: Job, endpoints: dict[Any, list[Endpoint]]) -> list[tuple[Receiver, str]]:
    """Return who is to hear of it: endpoints that were there by then, and the job's own URL."""
    found = [
        (endpoint.receiver, "")
        for endpoint in endpoints.get(job.user_id, ())
        if _type(line) in endpoint.event_types and endpoint.created_at <= line.at
    ]
    if job.webhook_url:
        try:
            found.append((receivers.of_url(job.user_id, job.webhook_url), job.webhook_url))
        except outbound.OutboundRefused as refused:  # was allowed at the submit; the rules have changed since
            logger.warning("job %s: its webhook_url may not be called: %s", job.id, refused.reason)
    return found
