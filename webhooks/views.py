"""The webhooks API: each view reads the request, makes one call, and answers."""

import uuid

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from base import callers, pages
from base.throttles import ReadThrottle, WebhookThrottle
from base.views import PrivateView
from webhooks import answers, deliveries, endpoints, messages, requests, schema
from webhooks.models import Delivery, DeliveryQuerySet, Endpoint, EndpointQuerySet


class SeldomView(PrivateView):
    """For what makes us write to somebody's server, or make secrets: limited to `RATE_WEBHOOK`."""

    throttle_classes = (ReadThrottle, WebhookThrottle)


class WebhooksView(PrivateView):
    @schema.list_webhooks
    def get(self, request: Request) -> Response:
        found = [answers.webhook(endpoint) for endpoint in _own(request).oldest_first()]
        return Response({"success": True, "webhooks": found, "count": len(found)})

    @schema.create
    def post(self, request: Request) -> Response:
        callers.check_user_id(request)
        endpoint, secret = endpoints.create(callers.user_id(request), **requests.new_webhook(request))
        body = {"success": True, "webhook": answers.webhook(endpoint), "secret": secret}
        return Response(body, status=201, headers={"Location": f"/webhooks/{endpoint.id}"})


class WebhookView(PrivateView):
    @schema.get
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:
        return _webhook(_existing(request, webhook_id))

    @schema.change
    def patch(self, request: Request, webhook_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        endpoint = _existing(request, webhook_id)
        endpoints.change(endpoint, **requests.change(request))
        return _webhook(_existing(request, webhook_id))

    @schema.delete
    def delete(self, request: Request, webhook_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        endpoints.delete(_existing(request, webhook_id))
        return Response({"success": True, "message": "The webhook was deleted."})


class RotateView(SeldomView):
    @schema.rotate
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        requests.nothing(request)
        secret = endpoints.rotate(_existing(request, webhook_id))
        endpoint = _existing(request, webhook_id)
        return Response({"success": True, "webhook": answers.webhook(endpoint), "secret": secret})


class TestView(SeldomView):
    @schema.test
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        requests.nothing(request)
        delivery = deliveries.ping(_existing(request, webhook_id), body=messages.ping())
        return Response({"success": True, "delivery": answers.delivery(delivery)}, status=202)


class DeliveriesView(PrivateView):
    @schema.list_deliveries
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:
        rows = _deliveries(_existing(request, webhook_id))
        query = pages.query(request, requests.DeliveriesQuery)
        if state := query.pop("state", None):
            rows = rows.filter(state=state)
        page = pages.page(rows.newest_first(), **query)
        found = [answers.delivery(row) for row in page.rows]
        return Response({"success": True, "deliveries": found, "pagination": page.pagination})


class ReplayView(SeldomView):
    @schema.replay
    def post(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        callers.check_user_id(request)
        requests.nothing(request)
        rows = _deliveries(_existing(request, webhook_id)).select_related("receiver__endpoint")
        delivery = get_object_or_404(rows, id=delivery_id)
        deliveries.replay(delivery)
        return Response({"success": True, "delivery": answers.delivery(delivery)}, status=202)


class JobSecretView(SeldomView):
    @schema.job_secret
    def post(self, request: Request) -> Response:
        callers.check_user_id(request)
        requests.nothing(request)
        return Response(answers.job_secret(*endpoints.rotate_job_secret(callers.user_id(request))))


def _own(request: Request) -> EndpointQuerySet:
    return Endpoint.objects.owned_by(callers.user_id(request)).select_related("receiver")


def _existing(request: Request, webhook_id: uuid.UUID) -> Endpoint:
    return get_object_or_404(_own(request), id=webhook_id)


def _webhook(endpoint: Endpoint) -> Response:
    return Response({"success": True, "webhook": answers.webhook(endpoint)})


def _deliveries(endpoint: Endpoint) -> DeliveryQuerySet:
    return Delivery.objects.filter(receiver__endpoint=endpoint).prefetch_related("attempts")
