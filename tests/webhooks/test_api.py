"""The webhooks API: registering, changing, rotating, testing, replaying; one's own alone."""

import uuid

import pytest
from django.db import connection

from accounts.models import User
from base.throttles import WebhookThrottle
from jobs import housekeeping
from jobs.models import Job
from tests.webhooks.conftest import pass_time
from webhooks import deliveries, endpoints, receivers, upkeep
from webhooks.errors import TooManyWebhooks
from webhooks.models import Delivery, Endpoint, JobSecret, Receiver, State

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/videos"
PRIVATE = [
    "http://127.0.0.1/hook",
    "http://localhost/hook",
    "http://10.0.0.7/hook",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/hook",
    "http://[::ffff:10.0.0.1]/hook",
    "http://2130706433/hook",
    "http://0x7f.1/hook",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com:8443/hook",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://intranet/hook",
]


@pytest.fixture
def made(api):
    return api.post("/webhooks", {"url": URL}, format="json").json()["webhook"]


def codes(answer):
    return {(error["field"], error["code"]) for error in answer.json()["errors"]}


class TestRegistering:
    def test_the_secret_is_in_that_answer_and_in_no_other(self, api):
        asked = {"url": URL, "event_types": ["job.failed", "job.completed"], "description": "Mine"}
        answer = api.post("/webhooks", asked, format="json")
        assert answer.status_code == 201
        body = answer.json()
        webhook, secret = body["webhook"], body["secret"]
        assert answer["Location"] == f"/webhooks/{webhook['id']}"
        assert webhook["event_types"] == ["job.completed", "job.failed"]
        assert (webhook["url"], webhook["description"], webhook["is_enabled"]) == (URL, "Mine", True)
        assert secret.startswith("whsec_")
        listed, one = api.get("/webhooks"), api.get(f"/webhooks/{webhook['id']}")
        assert listed.json()["webhooks"] == [one.json()["webhook"]] == [webhook]
        assert secret.encode() not in listed.content + one.content

    def test_all_types_are_told_unless_some_are_asked_for(self, made):
        assert len(made["event_types"]) == 5

    @pytest.mark.parametrize("url", PRIVATE)
    def test_a_url_that_is_not_public_is_refused(self, url, api, made):
        for answer in (
            api.post("/webhooks", {"url": url}, format="json"),
            api.patch(f"/webhooks/{made['id']}", {"url": url}, format="json"),
        ):
            assert answer.status_code == 400
            assert codes(answer) <= {("url", "not_allowed"), ("url", "not_web")}
        for path, more in (("generate", {}), ("animate", {"image_url": URL})):
            asked = {"prompt": "A sea", "webhook_url": url, **more}
            answer = api.post(f"/videos/{path}", asked, format="json")
            assert answer.status_code == 400
            assert codes(answer) <= {("webhook_url", "not_allowed"), ("webhook_url", "not_web")}
        assert Endpoint.objects.count() == 1
        assert not Job.objects.exists()

    @pytest.mark.parametrize(
        ("body", "refused"),
        [
            ({}, ("url", "required")),
            ({"url": 5}, ("url", "invalid")),
            ({"url": "https://e.example/" + "x" * 2000}, ("url", "max_length")),
            ({"url": URL, "event_types": []}, ("event_types", "empty")),
            ({"url": URL, "event_types": ["job.exploded"]}, ("event_types.0", "invalid_choice")),
            ({"url": URL, "event_types": ["test.ping"]}, ("event_types.0", "invalid_choice")),
            ({"url": URL, "event_types": "job.failed"}, ("event_types", "not_a_list")),
            ({"url": URL, "description": "x" * 201}, ("description", "max_length")),
            ({"url": URL, "secret": "whsec_mine"}, ("secret", "unknown_field")),
        ],
    )
    def test_what_does_not_fit_is_refused_by_field(self, body, refused, api):
        answer = api.post("/webhooks", body, format="json")
        assert answer.status_code == 400
        assert refused in codes(answer)

    def test_there_is_a_limit(self, api, settings):
        settings.MAX_WEBHOOKS = 2
        statuses = [api.post("/webhooks", {"url": URL}, format="json").status_code for _ in range(3)]
        assert statuses == [201, 201, 409]
        problem = api.post("/webhooks", {"url": URL}, format="json").json()
        assert (problem["error_code"], problem["limit"]) == ("too_many_webhooks", 2)

    def test_somebody_elses_user_id_is_refused(self, api, bob):
        answer = api.post("/webhooks", {"url": URL, "user_id": str(bob.pk)}, format="json")
        assert answer.status_code == 403


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_do_not_pass_the_limit_together(alice, settings, together):
    settings.MAX_WEBHOOKS = 2

    def create(_):
        try:
            return endpoints.create(alice.pk, url=URL, event_types=["job.failed"])
        except TooManyWebhooks:
            return None

    assert len(list(filter(None, together(create, range(5))))) == 2


class TestChanging:
    def test_what_is_given_is_changed_and_the_rest_stays(self, api, made):
        path = f"/webhooks/{made['id']}"
        changed = api.patch(path, {"description": "New", "event_types": ["job.failed"]}, format="json").json()
        assert changed["webhook"] == {
            **made,
            "description": "New",
            "event_types": ["job.failed"],
            "updated_at": changed["webhook"]["updated_at"],
        }

    def test_disabling_and_enabling(self, api, made):
        path = f"/webhooks/{made['id']}"
        off = api.patch(path, {"is_enabled": False}, format="json").json()["webhook"]
        assert (off["is_enabled"], off["disabled_reason"]) == (False, "Disabled by its owner.")
        assert api.post(f"{path}/test").json()["error_code"] == "webhook_disabled"
        on = api.patch(path, {"is_enabled": True}, format="json").json()["webhook"]
        assert (on["is_enabled"], on["disabled_at"], on["disabled_reason"]) == (True, None, None)
        assert api.post(f"{path}/test").status_code == 202

    def test_another_url_starts_afresh(self, api, made):
        Receiver.objects.update(
            failures=7, failing_since="2026-01-01T00:00Z", rests_until="2099-01-01T00:00Z"
        )
        api.patch(f"/webhooks/{made['id']}", {"url": f"{URL}/2"}, format="json")
        assert Receiver.objects.filter(failures=0, failing_since=None, rests_until=None).exists()

    def test_deleting_takes_its_deliveries_along(self, api, made):
        api.post(f"/webhooks/{made['id']}/test")
        answer = api.delete(f"/webhooks/{made['id']}")
        assert answer.json() == {"success": True, "message": "The webhook was deleted."}
        assert api.get(f"/webhooks/{made['id']}").status_code == 404
        assert not Delivery.objects.exists()
        assert not Receiver.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_deleting_takes_along_what_is_planned_meanwhile(self, api, made, together):
        api.post(f"/webhooks/{made['id']}/test")
        news = {"receiver": Receiver.objects.get(), "url": "", "job_id": uuid.uuid4(), "event_id": 1}
        message = deliveries.Message(type="job.queued", body="{}", **news)
        planned = []

        def plan_once(execute, sql, params, many, context):
            """Once what is there has been listed, plan one more, before any of that is deleted."""
            if sql.startswith("DELETE") and not planned:
                planned.append(sql)
                # SQLite has one writer at a time: there it can only come in the same transaction
                run = together if connection.vendor == "postgresql" else map
                list(run(deliveries.plan, [[message]]))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(plan_once):
            answer = api.delete(f"/webhooks/{made['id']}")
        assert answer.status_code == 200
        assert planned
        assert not Delivery.objects.exists()
        assert not Endpoint.objects.exists()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("method", "path"),
        [("post", "/test"), ("post", "/rotate"), ("patch", ""), ("post", "/deliveries/{}/replay")],
        ids=["test", "rotate", "change", "replay"],
    )
    def test_what_is_asked_of_one_that_is_deleted_in_the_middle_is_a_404_if_anything(
        self, method, path, api, register, server, carry
    ):
        """Whichever query the deletion comes before, of those that no transaction keeps it from."""
        answers, position, is_deleted = [], 0, True
        while is_deleted:
            position, is_deleted, seen = position + 1, False, 0
            endpoint, _ = register(server.url())
            ended = deliveries.ping(endpoint, body="{}")
            carry()

            def delete_once(execute, sql, params, many, context):
                nonlocal is_deleted, seen
                seen += "webhooks_" in sql and not connection.in_atomic_block
                if seen == position + 1 and not is_deleted:  # noqa: B023 - called within this turn
                    is_deleted = True
                    endpoints.delete(Endpoint.objects.get(id=endpoint.id))  # noqa: B023
                return execute(sql, params, many, context)

            with connection.execute_wrapper(delete_once):
                url = f"/webhooks/{endpoint.id}{path.format(ended.id)}"
                answers.append(getattr(api, method)(url, {}, format="json").status_code)
        *overtaken, last = answers
        assert 404 in overtaken
        assert set(overtaken) <= {404, last}
        assert last in {200, 202}

    def test_rotating_shows_a_new_secret_and_until_when_the_old_one_signs(self, api, made):
        first, second = (api.post(f"/webhooks/{made['id']}/rotate").json() for _ in range(2))
        assert first["secret"] != second["secret"]
        assert second["webhook"]["previous_secret_until"] > second["webhook"]["updated_at"]

    @pytest.mark.parametrize("path", ["{}/rotate", "{}/test", "job-secret"])
    def test_there_is_nothing_to_say_to_some(self, path, api, made):
        answer = api.post(f"/webhooks/{path.format(made['id'])}", {"why": "so"}, format="json")
        assert codes(answer) == {("why", "unknown_field")}


class TestDeliveries:
    def test_request_and_answer_of_each_attempt_are_shown(self, api, endpoint, server, through, carry_all):
        server.answer = lambda heard: 500 if heard.type == "job.completed" else 200
        job = through()
        carry_all()
        shown = api.get(f"/webhooks/{endpoint.id}/deliveries").json()
        assert [row["type"] for row in shown["deliveries"]] == ["job.completed", "job.started", "job.queued"]
        [newest, *_] = shown["deliveries"]
        assert newest["job_id"] == str(job.id)
        assert newest["webhook_id"] == server.heard[-1].id
        assert newest["body"] == server.heard[-1].body
        assert newest["state"] == "pending"
        [attempt] = newest["attempts"]
        assert (attempt["url"], attempt["status"], attempt["response"]) == (server.url(), 500, "ok")
        assert attempt["error"] == "Answered 500."
        assert newest["next_attempt_at"] > attempt["at"]

    def test_pages_and_states(self, api, endpoint, server, through, carry_all):
        through()
        carry_all()
        path = f"/webhooks/{endpoint.id}/deliveries"
        page = api.get(path, {"limit": 2, "offset": 1}).json()
        assert [row["type"] for row in page["deliveries"]] == ["job.started", "job.queued"]
        assert page["pagination"]["total"] == 3
        assert api.get(path, {"state": "failed"}).json()["deliveries"] == []
        assert api.get(path, {"state": "gone"}).status_code == 400

    def test_a_test_message_is_sent_whatever_types_were_asked_for(self, api, register, server, carry):
        endpoint, secret = register(server.url(), event_types=["job.failed"])
        answer = api.post(f"/webhooks/{endpoint.id}/test")
        assert answer.status_code == 202
        assert (answer.json()["delivery"]["type"], answer.json()["delivery"]["job_id"]) == ("test.ping", None)
        carry()
        assert server.heard[0].verify(secret) == answer.json()["delivery"]["body"]

    def test_a_replay_has_the_same_id_and_body(self, api, endpoint, server, submit, carry):
        submit()
        carry()
        [told] = api.get(f"/webhooks/{endpoint.id}/deliveries").json()["deliveries"]
        path = f"/webhooks/{endpoint.id}/deliveries/{told['id']}/replay"
        answer = api.post(path)
        assert answer.status_code == 202
        assert answer.json()["delivery"]["state"] == "pending"
        assert api.post(path).json()["error_code"] == "delivery_pending"
        carry()
        assert (server.heard[0].id, server.heard[0].text) == (server.heard[1].id, server.heard[1].text)
        [told] = api.get(f"/webhooks/{endpoint.id}/deliveries").json()["deliveries"]
        assert (told["state"], len(told["attempts"])) == ("delivered", 2)

    def test_a_replay_of_one_given_up_has_all_its_tries_again(self, api, endpoint, server, submit, carry):
        submit()
        carry()
        Delivery.objects.update(state=State.FAILED, tries=10)
        delivery = Delivery.objects.get()
        server.answer = lambda heard: 500
        assert api.post(f"/webhooks/{endpoint.id}/deliveries/{delivery.id}/replay").status_code == 202
        carry()
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries) == (State.PENDING, 1)

    def test_one_of_another_webhook_is_not_found(self, api, endpoint, made, submit, carry):
        submit()
        carry()
        delivery = Delivery.objects.filter(receiver__endpoint=endpoint).get()
        assert api.post(f"/webhooks/{made['id']}/deliveries/{delivery.id}/replay").status_code == 404


class TestSomebodyElses:
    def test_they_are_not_found(self, made, bobs_api, api):
        api.post(f"/webhooks/{made['id']}/test")
        delivery = Delivery.objects.get()
        own = f"/webhooks/{made['id']}"
        replay = f"{own}/deliveries/{delivery.id}/replay"
        assert bobs_api.get("/webhooks").json()["webhooks"] == []
        statuses = [
            bobs_api.get(own).status_code,
            bobs_api.patch(own, {"is_enabled": False}, format="json").status_code,
            bobs_api.delete(own).status_code,
            bobs_api.post(f"{own}/rotate").status_code,
            bobs_api.post(f"{own}/test").status_code,
            bobs_api.get(f"{own}/deliveries").status_code,
            bobs_api.post(replay).status_code,
            bobs_api.get(f"/webhooks/{uuid.uuid4()}").status_code,
        ]
        assert statuses == [404] * 8
        assert Endpoint.objects.get().disabled_at is None

    def test_job_secrets_are_each_users_own(self, api, bobs_api, alice, bob):
        ours = api.post("/webhooks/job-secret").json()
        theirs = bobs_api.post("/webhooks/job-secret").json()
        assert ours["secret"] != theirs["secret"]
        assert (ours["previous_secret_until"], JobSecret.objects.count()) == (None, 2)
        again = api.post("/webhooks/job-secret").json()
        assert again["secret"] != ours["secret"]
        assert again["previous_secret_until"] is not None


def test_secrets_tests_and_replays_are_limited(api, made, monkeypatch):
    rates = {**WebhookThrottle.THROTTLE_RATES, "webhook": "2/min"}
    monkeypatch.setattr(WebhookThrottle, "THROTTLE_RATES", rates)
    answers = [api.post(f"/webhooks/{made['id']}/test") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1]["Retry-After"]) > 0


class TestTheUrlOfAJob:
    def test_it_is_part_of_what_a_key_stands_for(self, api):
        def submit(url):
            asked = {"prompt": "A sea", "model": "rehearsal", "webhook_url": url}
            return api.post("/videos/generate", asked, format="json", headers={"Idempotency-Key": "k1"})

        assert submit(URL).status_code == 202
        assert submit(URL)["Idempotent-Replayed"] == "true"
        assert submit(f"{URL}/2").json()["error_code"] == "idempotency_key_reused"
        assert Job.objects.get().webhook_url == URL

    @pytest.mark.parametrize("given", [{}, {"webhook_url": None}])
    def test_it_may_be_missing(self, given, api):
        assert api.post("/videos/generate", {"prompt": "A sea", **given}, format="json").status_code == 202
        assert Job.objects.get().webhook_url == ""

    def test_an_animate_takes_one_too(self, api):
        asked = {"prompt": "A sea", "image_url": "https://images.example.com/a.jpg", "webhook_url": URL}
        assert api.post("/videos/animate", asked, format="json").status_code == 202
        assert Job.objects.get().webhook_url == URL


class TestForgetting:
    def test_old_deliveries_are_purged_and_pending_ones_stay(self, endpoint, server, submit, carry_all):
        submit(webhook_url=server.url("/own"))
        carry_all()
        server.answer = lambda heard: 500
        submit()
        carry_all()
        pass_time(days=31)
        [count] = upkeep.purge_deliveries(dry_run=True)
        assert (count.number, Delivery.objects.count()) == (2, 3)
        assert upkeep.purge_deliveries()[0].number == 2
        assert Delivery.objects.get().state == State.PENDING
        assert [receiver.endpoint for receiver in Receiver.objects.all()] == [endpoint]

    def test_our_chores_are_among_the_daily_ones(self):
        assert set(upkeep.DAILY) <= set(housekeeping.daily())

    def test_a_purged_job_leaves_its_deliveries_until_their_time(self, endpoint, server, through, carry_all):
        job = through()
        carry_all()
        Job.objects.filter(id=job.id).delete()
        assert Delivery.objects.count() == 3

    def test_a_user_who_is_deleted_leaves_nothing(self, bob, register, server):
        register(server.url(), user=bob)
        endpoints.rotate_job_secret(bob.pk)
        deliveries.ping(Endpoint.objects.get(), body="{}")
        User.objects.get(pk=bob.pk).delete()
        assert [model.objects.count() for model in (Endpoint, Receiver, Delivery, JobSecret)] == [0] * 4

    def test_what_is_pending_of_a_deactivated_user_is_given_up(self, alice, endpoint, server, submit, carry):
        server.answer = lambda heard: 500
        submit()
        carry()
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert deliveries.give_up() == 1


def test_a_stale_disable_is_no_news(endpoint):
    assert receivers.disable(endpoint.id, reason="once") is True
    assert receivers.disable(endpoint.id, reason="twice") is False
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "once"
