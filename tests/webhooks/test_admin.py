"""Support's pages about webhooks: no secret, no path of a URL; verbs are asked for, done once, logged."""

import pytest
from django.contrib.admin.models import LogEntry

from tests.webhooks.conftest import ALL
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint, Receiver, State

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/services/T0/B1/s3cr3t?token=hush"
WHY = "The user called: nothing arrives."


@pytest.fixture
def office(client, charlie):
    client.force_login(charlie)
    return client


@pytest.fixture
def secret_endpoint(register):
    return register(URL)


def page(kind, row, verb="change"):
    return f"/admin/webhooks/{kind}/{row.pk}/{verb}/"


def said(response):
    return [str(message) for message in response.context["messages"]]


def test_neither_secrets_nor_paths_are_shown(desk, secret_endpoint, api):
    endpoint, secret = secret_endpoint
    api.post(f"/webhooks/{endpoint.id}/test")
    delivery = Delivery.objects.get()
    delivery.attempts.create(at=delivery.created_at, url=URL, duration_ms=5, http_status=500, response="no")
    for address in (
        "/admin/webhooks/endpoint/",
        "/admin/webhooks/delivery/",
        page("endpoint", endpoint),
        page("delivery", delivery),
        page("endpoint", endpoint, "test"),
    ):
        response = desk.get(address)
        assert response.status_code == 200
        shown = response.content.decode()
        assert "s3cr3t" not in shown
        assert "hush" not in shown
        assert secret not in shown
        assert endpoint.secret not in shown
    assert "https://hooks.example.com/…" in desk.get(page("delivery", delivery)).content.decode()


def test_a_delivery_is_shown_with_its_body_and_attempts(desk, endpoint, server, submit, carry):
    server.answer = lambda heard: 502
    job = submit()
    carry()
    shown = desk.get(page("delivery", Delivery.objects.get())).content.decode()
    assert "Answered 502." in shown
    assert f"/admin/jobs/job/{job.id}/change/" in shown
    assert "job.queued" in shown


def test_a_test_message_is_asked_for_sent_and_logged(desk, endpoint, server, carry, sam):
    address = page("endpoint", endpoint, "test")
    assert "Send a test message" in desk.get(page("endpoint", endpoint)).content.decode()
    assert desk.get(address).status_code == 200
    assert not Delivery.objects.exists()
    assert desk.post(address, {"reason": ""}).status_code == 200
    assert not Delivery.objects.exists()
    response = desk.post(address, {"reason": WHY}, follow=True)
    delivery = Delivery.objects.get()
    assert said(response) == [f"A test message will be sent: delivery {delivery.id}."]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (sam, str(endpoint.id))
    assert WHY in entry.change_message
    carry()
    assert server.types() == ["test.ping"]


def test_a_replay_is_done_once(desk, endpoint, server, submit, carry):
    submit()
    carry()
    delivery = Delivery.objects.get()
    address = page("delivery", delivery, "replay")
    assert said(desk.post(address, {"reason": WHY}, follow=True)) == ["It will be sent again."]
    assert said(desk.post(address, {"reason": WHY}, follow=True)) == [
        "Nothing was done: it stands differently by now."
    ]
    assert LogEntry.objects.count() == 1
    carry()
    assert len(server.heard) == 2


def test_a_replay_to_a_disabled_webhook_is_refused_in_words(desk, endpoint, submit, carry):
    submit()
    carry()
    endpoints.change(endpoint, is_enabled=False)
    response = desk.post(page("delivery", Delivery.objects.get(), "replay"), {"reason": WHY})
    assert "This webhook is disabled." in response.content.decode()
    assert Delivery.objects.get().state == State.DELIVERED


def test_support_can_neither_register_nor_disable(desk, endpoint):
    assert desk.get("/admin/webhooks/endpoint/add/").status_code == 403
    for verb in ("disable", "enable"):
        assert desk.post(page("endpoint", endpoint, verb), {"reason": WHY}).status_code == 403
    assert desk.post(page("endpoint", endpoint), {"url": "https://e.example/"}).status_code == 403
    assert desk.post(page("endpoint", endpoint, "delete")).status_code == 403


def test_who_has_no_right_sees_nothing(client, endpoint, sam):
    sam.groups.clear()
    client.force_login(sam)
    for verb in ("change", "test"):
        assert client.get(page("endpoint", endpoint, verb)).status_code == 403


def test_staff_with_the_right_disable_and_enable(office, endpoint):
    assert said(office.post(page("endpoint", endpoint, "disable"), {"reason": WHY}, follow=True)) == [
        "It is disabled."
    ]
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "Disabled by support."
    assert said(office.post(page("endpoint", endpoint, "enable"), {"reason": WHY}, follow=True)) == [
        "It is enabled."
    ]


def test_one_registered_for_a_user_shows_its_secret_once(office, alice):
    asked = {"user": str(alice.pk), "url": URL, "event_types": ALL, "description": "For Alice"}
    response = office.post("/admin/webhooks/endpoint/add/", asked, follow=True)
    endpoint = Endpoint.objects.get()
    assert (endpoint.user, endpoint.url, endpoint.event_types) == (alice, URL, sorted(ALL))
    assert Receiver.objects.get().endpoint == endpoint
    [shown] = [message for message in said(response) if "whsec_" in message]
    assert "only time" in shown
    assert "whsec_" not in office.get(page("endpoint", endpoint)).content.decode()
    assert "whsec_" not in "".join(entry.change_message for entry in LogEntry.objects.all())


def test_a_private_address_and_one_too_many_are_refused_in_words(office, alice, settings):
    asked = {"user": str(alice.pk), "url": "http://10.0.0.1/", "event_types": ALL}
    response = office.post("/admin/webhooks/endpoint/add/", asked)
    assert "is not public" in response.content.decode()
    settings.MAX_WEBHOOKS = 0
    response = office.post("/admin/webhooks/endpoint/add/", {**asked, "url": URL})
    assert "as many webhooks as is allowed" in response.content.decode()
    assert not Endpoint.objects.exists()


def test_an_unknown_id_is_not_found(desk, endpoint):
    assert desk.get("/admin/webhooks/endpoint/none/test/").status_code == 404
    assert desk.get(page("delivery", endpoint, "replay")).status_code == 404


def test_lists_can_be_searched(desk, endpoint, submit, carry):
    job = submit()
    carry()
    for query in ("alice@example.com", str(endpoint.id)):
        assert "well" in desk.get("/admin/webhooks/endpoint/", {"q": query}).content.decode()
    for query in ("alice", str(job.id), str(Delivery.objects.get().id)):
        assert "job.queued" in desk.get("/admin/webhooks/delivery/", {"q": query}).content.decode()
    assert desk.get("/admin/webhooks/delivery/", {"q": "nobody"}).status_code == 200
