"""`/v1/videos`: each view reads the request, makes one call, and answers."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from base import callers
from base.parsers import BoundedJsonParser, FormParser, PlainTextJsonParser
from base.throttles import ReadThrottle, SubmitThrottle
from base.views import PrivateView
from jobs import lookup, resends, submission, uploads
from jobs.models import Job
from jobs.openai_face import answers, deletion, orders, requests, schema
from jobs.views import request_id
from videos import delivery
from videos.library import VideoNotFound


class VideosView(PrivateView):
    parser_classes = (BoundedJsonParser, PlainTextJsonParser, FormParser)

    def get_throttles(self) -> list[Any]:
        read, submit = ReadThrottle(), SubmitThrottle()
        return [read, submit] if self.request.method == "POST" else [read]

    @schema.create
    def post(self, request: Request) -> Response:
        callers.check_user_id(request)
        user_id = callers.user_id(request)
        fields, picture = requests.create(request)
        mark = requests.mark(request, picture_digest=uploads.digest(picture) if picture else b"")
        receipt = submission.earlier(user_id, mark)
        if receipt is None:
            has_picture = picture is not None
            order = orders.order(user_id, fields, has_picture=has_picture, request_id=request_id(request))
            receipt = submission.submit(order, mark, picture)
        job = made(receipt, user_id)
        replayed = {"Idempotent-Replayed": "true"} if receipt.replayed else {}
        return Response(answers.video(job), headers={**answers.waiting(job), **replayed})

    @schema.list_videos
    def get(self, request: Request) -> Response:
        query = requests.query(request, requests.ListQuery)
        jobs = lookup.shown_page(callers.user_id(request), **query)
        has_more = len(jobs) > query["limit"]
        return Response(answers.page(jobs[: query["limit"]], has_more=has_more))


class VideoView(PrivateView):
    @schema.retrieve
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        job = known(job_id, request)
        return Response(answers.video(job), headers=answers.waiting(job))

    @schema.delete
    def delete(self, request: Request, job_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        job = known(job_id, request)
        deletion.delete(job)
        return Response(answers.deleted(job))


class ContentView(PrivateView):
    @schema.content
    def get(self, request: Request, job_id: uuid.UUID) -> HttpResponseBase:
        variant = requests.query(request, requests.ContentQuery)["variant"]
        job: Any = known(job_id, request)
        stored = delivery.file_of(job.video, answers.file(job, variant), max_age=0)
        delivery.release_connection()
        return delivery.answer(request, stored)


def made(receipt: submission.Receipt, user_id: uuid.UUID) -> Job:
    """Return the job of a create, also one that was deleted since. Raise VideoNotFound if purged."""
    job: Job | None = lookup.made(uuid.UUID(receipt.job_id), user_id=user_id)
    if job is None:
        raise VideoNotFound
    return job


def known(job_id: uuid.UUID, request: Request) -> Job:
    """Return the caller's job: they know its id. Raise VideoNotFound, also for another's or a deleted one."""
    job: Job | None = lookup.shown(job_id, user_id=callers.user_id(request))
    if job is None:
        raise VideoNotFound
    resends.answered(job)
    return job
