"""The jobs API: each view reads the request, makes one call, and answers."""

import uuid
from typing import Any

from django.conf import settings
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base import callers, pages
from base.parsers import BoundedJsonParser, FormParser, PlainTextJsonParser
from base.throttles import ReadThrottle, SubmitThrottle
from base.views import PrivateView
from jobs import (
    answers,
    cancellation,
    catalogue,
    lookup,
    requests,
    resends,
    schema,
    statistics,
    submission,
    uploads,
)
from jobs.formats import GenerationType
from jobs.live import waiting
from jobs.models import Job


class GenerateView(PrivateView):
    throttle_classes = (ReadThrottle, SubmitThrottle)

    @schema.generate
    def post(self, request: Request) -> Response:
        callers.check_user_id(request)
        key = requests.idempotency_key(request)
        if earlier := submission.earlier(callers.user_id(request), key):
            return accepted(earlier)
        fields = requests.generate(request)
        kind, user_id = GenerationType.TEXT_TO_VIDEO, callers.user_id(request)
        order = submission.order(user_id, kind, fields, request_id=request_id(request))
        return accepted(submission.submit(order, key))


class AnimateView(PrivateView):
    throttle_classes = (ReadThrottle, SubmitThrottle)
    parser_classes = (BoundedJsonParser, PlainTextJsonParser, FormParser)

    @schema.animate
    def post(self, request: Request) -> Response:
        callers.check_user_id(request)
        fields, picture = requests.animate(request)
        digest = uploads.digest(picture) if picture else b""
        key = requests.idempotency_key(request, picture_digest=digest)
        if earlier := submission.earlier(callers.user_id(request), key):
            return accepted(earlier)
        kind, user_id = GenerationType.IMAGE_TO_VIDEO, callers.user_id(request)
        order = submission.order(user_id, kind, fields, request_id=request_id(request))
        return accepted(submission.submit(order, key, picture))


class StatusView(PrivateView):
    @property
    def default_response_headers(self) -> dict[str, str]:
        # may be kept by the browser alone, and asked for again each time: that is what the ETag is for
        return {**super().default_response_headers, "Cache-Control": "private, no-cache"}

    @schema.status
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        seconds = requests.wait(request)
        job = known(lookup.job(job_id, user_id=callers.user_id(request)))
        tag, given = answers.etag(job), request.headers.get("If-None-Match", "")
        is_known = answers.is_known(tag, given)
        headers = {"ETag": tag}
        if not job.is_finished:
            headers["Retry-After"] = str(answers.retry_after(job))
            if seconds and (is_known or not given):
                waiting.hold(request, job, etag=tag, seconds=seconds)
        if is_known:
            return Response(status=304, headers=headers)
        return Response(answers.status(job), headers=headers)


class ResultView(PrivateView):
    @schema.result
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        job = known(lookup.job_with_video(job_id, user_id=callers.user_id(request)))
        if not job.is_finished:
            retry = {"Retry-After": str(answers.retry_after(job))}
            return Response(answers.unfinished(job), status=202, headers=retry)
        return Response(answers.result(job, request))


class JobView(PrivateView):
    @schema.cancel
    def delete(self, request: Request, job_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        job = known(lookup.job(job_id, user_id=callers.user_id(request)))
        if cancellation.cancel(job):
            return Response(answers.cancelled(job))
        asked = known(lookup.job(job_id, user_id=callers.user_id(request)))
        headers = {"Retry-After": str(answers.retry_after(asked))}
        return Response(answers.status(asked), status=202, headers=headers)


class ActiveJobsView(PrivateView):
    @schema.active_jobs
    def get(self, request: Request) -> Response:
        own = Job.objects.owned_by(callers.user_id(request)).active().oldest_first()
        jobs = list(own.seen_now().with_queue_ahead())
        active = [answers.active(job) for job in jobs]
        headers = {"Retry-After": str(min(map(answers.retry_after, jobs)))} if active else {}
        return Response({"success": True, "active_jobs": active, "count": len(active)}, headers=headers)


class JobsView(PrivateView):
    @schema.list_jobs
    def get(self, request: Request) -> Response:
        query = pages.query(request, requests.JobsQuery)
        jobs = Job.objects.owned_by(callers.user_id(request))
        if status := query.pop("status", None):
            jobs = jobs.filter(status=status)
        page = pages.page(jobs.newest_first().seen_now().with_queue_ahead(), **query)
        listed = [answers.listed(job) for job in page.rows]
        return Response({"success": True, "jobs": listed, "pagination": page.pagination})


class StatsView(APIView):
    @schema.stats
    def get(self, request: Request) -> Response:
        return Response(answers.statistics(statistics.overview()))


class ModelsView(APIView):
    @schema.models
    def get(self, request: Request) -> Response:
        return Response([answers.model(model) for model in catalogue.usable().values() if model.is_listed])


class QuoteView(PrivateView):
    @schema.quote
    def get(self, request: Request) -> Response:
        query = requests.QuoteQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = {"model": settings.DEFAULT_MODEL, **query.validated_data}
        return Response(answers.quote(submission.quote(callers.user_id(request), **asked)))


def known(job: Any) -> Any:
    """Return the job that was looked up: its client knows its id. Raise Http404 if it is not the caller's."""
    if job is None:
        raise Http404
    resends.answered(job)
    return job


def accepted(receipt: submission.Receipt) -> Response:
    """Return the 202 of a submit."""
    seconds = min(answers.POLL_SECONDS, receipt.estimated_completion_seconds)
    headers = {"Location": f"/videos/jobs/{receipt.job_id}/status", "Retry-After": str(seconds)}
    if receipt.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answers.receipt(receipt), status=202, headers=headers)


def request_id(request: Request) -> str:
    """Return the id that the middleware gave this request."""
    return str(request.request_id)  # type: ignore[attr-defined]
