"""The states that operations on webhooks can be in, for test_schema_matches."""

import uuid

from tests.videoapi import conformity
from webhooks import deliveries, endpoints, outbox, sending
from webhooks.events import EventType
from webhooks.models import Delivery

URL = "https://hooks.example.com/videos"
BODIES = {
    "/webhooks": {"url": URL},
    "/webhooks/{webhook_id}": {"description": "Mine"},
    "/webhooks/{webhook_id}/rotate": {},
    "/webhooks/{webhook_id}/test": {},
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": {},
    "/webhooks/job-secret": {},
}
SCENARIOS = {}


def scenario(operation, status):
    def keep(function):
        SCENARIOS[operation, str(status)] = function
        return function

    return keep


def a_webhook(world):
    return endpoints.create(world.alice.pk, url=URL, event_types=list(EventType.values))[0]


def path(world, rest=""):
    return f"/webhooks/{a_webhook(world).id}{rest}"


def told(world):
    """A delivery that was tried once, in vain."""
    endpoint = a_webhook(world)
    world.cancelled()
    outbox.fan_out(but=set())
    [parcel] = deliveries.take([])
    deliveries.record(parcel, sending.fault())
    return f"/webhooks/{endpoint.id}/deliveries"


@scenario("listWebhooks", 200)
def all_webhooks(world):
    a_webhook(world)
    return world.api.get("/webhooks")


@scenario("createWebhook", 201)
def created(world):
    return world.api.post("/webhooks", {"url": URL, "description": "Mine"}, format="json")


@scenario("createWebhook", 409)
def one_too_many(world):
    world.settings.MAX_WEBHOOKS = 0
    return created(world)


@scenario("getWebhook", 200)
def one(world):
    failing = told(world).removesuffix("/deliveries")
    return world.api.get(failing)


@scenario("changeWebhook", 200)
def changed(world):
    asked = {"url": f"{URL}/2", "event_types": ["job.failed"], "is_enabled": False}
    return world.api.patch(path(world), asked, format="json")


@scenario("deleteWebhook", 200)
def deleted(world):
    return world.api.delete(path(world))


@scenario("rotateWebhookSecret", 200)
def rotated(world):
    return world.api.post(path(world, "/rotate"))


@scenario("testWebhook", 202)
def tested(world):
    return world.api.post(path(world, "/test"))


@scenario("testWebhook", 409)
def disabled(world):
    endpoint = a_webhook(world)
    endpoints.change(endpoint, is_enabled=False)
    return world.api.post(f"/webhooks/{endpoint.id}/test")


@scenario("listWebhookDeliveries", 200)
def listed(world):
    return world.api.get(told(world))


@scenario("listWebhookDeliveries", 400)
def no_such_state(world):
    return world.api.get(told(world), {"state": "lost"})


@scenario("replayWebhookDelivery", 202)
def replayed(world):
    listed_at = told(world)
    delivery = Delivery.objects.first()
    Delivery.objects.filter(id=delivery.id).update(state="failed", ended_at=delivery.created_at)
    return world.api.post(f"{listed_at}/{delivery.id}/replay")


@scenario("replayWebhookDelivery", 409)
def still_pending(world):
    return world.api.post(f"{told(world)}/{Delivery.objects.first().id}/replay")


@scenario("rotateJobWebhookSecret", 200)
def job_secret(world):
    first = world.api.post("/webhooks/job-secret")
    assert conformity.violations(conformity.named("rotateJobWebhookSecret"), first) == []
    return world.api.post("/webhooks/job-secret")


def refusing(operation, method, rest):
    """The refusals of what has a body."""

    def send(world, body, **options):
        target = "/webhooks" if rest is None else f"/webhooks/{rest}" if rest else path(world)
        target = path(world, rest) if rest and rest.startswith("/") else target
        return getattr(world.api, method)(target, body, **options)

    @scenario(operation, 400)
    def unknown_field(world):
        return send(world, {"secret": "mine"}, format="json")

    @scenario(operation, 403)
    def as_somebody_else(world):
        return send(world, {"user_id": str(uuid.uuid4())}, format="json")

    @scenario(operation, 413)
    def too_large(world):
        return send(world, {"description": "y" * 70_000}, format="json")

    @scenario(operation, 415)
    def in_xml(world):
        return send(world, "<a/>", content_type="application/xml")


refusing("createWebhook", "post", None)
refusing("changeWebhook", "patch", "")
refusing("rotateWebhookSecret", "post", "/rotate")
refusing("testWebhook", "post", "/test")
refusing("replayWebhookDelivery", "post", f"/deliveries/{uuid.UUID(int=1)}/replay")
refusing("rotateJobWebhookSecret", "post", "job-secret")
