"""Event streams: opened as every answer is made, and gone on with when Django is done with the request."""

import uuid

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from base import callers, later
from base.views import PrivateView
from jobs import requests
from jobs.live import schema, seats, updates
from jobs.live.stream import EventStream


class EventsView(PrivateView):
    """What both streams have in common."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Nothing on the way may keep it, compress it or wait for its end (X-Accel-Buffering: nginx).
        headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        return {**super().default_response_headers, **headers}


class JobEventsView(EventsView):
    @schema.job_events
    def get(self, request: Request, job_id: uuid.UUID) -> HttpResponseBase:
        after, user_id = requests.last_event_id(request), callers.user_id(request)
        update = updates.of_job(user_id, job_id)
        if update is None:
            raise Http404
        if update.is_final and after is not None and update.line <= after:
            return Response(status=204)  # which tells an EventSource to stop
        return streamed(request, EventStream(user_id, job_id, updates=[update]))


class AllEventsView(EventsView):
    @schema.all_events
    def get(self, request: Request) -> HttpResponseBase:
        user_id = callers.user_id(request)
        found = updates.opening(user_id, after=requests.last_event_id(request))
        stream = EventStream(user_id, updates=found.updates, line=found.line, at=found.at)
        return streamed(request, stream)


def streamed(request: Request, stream: EventStream) -> HttpResponse:
    """Return the beginning of a stream; where it can go on, it does. Raise TooManyStreams."""
    response = HttpResponse(stream.head(), content_type="text/event-stream")
    left = later.of(request)
    if left and not stream.is_over:
        left.keep(seats.taken(stream.user_id))
        left.stream = stream
    return response
