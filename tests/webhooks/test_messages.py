"""What is sent when, to whom, and that the official libraries take it for genuine."""

import json
import re

import pytest

from accounts.models import User
from jobs import lifecycle
from tests.webhooks.conftest import pass_time
from webhooks import endpoints, upkeep
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("end", "types"),
    [
        ("completed", ["job.queued", "job.started", "job.completed"]),
        ("failed", ["job.queued", "job.started", "job.failed"]),
        ("cancelled", ["job.queued", "job.cancelled"]),
    ],
)
def test_a_jobs_life_is_told_in_its_order(end, types, endpoint, server, through, carry_all):
    job = through(end)
    carry_all()
    assert server.types() == types
    assert {heard.job for heard in server.heard} == {str(job.id)}
    assert len({heard.id for heard in server.heard}) == len(types)


def test_data_is_the_body_of_the_status(endpoint, server, through, carry_all, api):
    job = through("failed")
    carry_all()
    told = server.heard[-1].body
    assert told["data"] == api.get(f"/videos/jobs/{job.id}/status").json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])


def test_another_attempt_is_not_another_start(endpoint, server, submit, carry_all):
    job = lifecycle.claim(submit().id, worker="w1")
    lifecycle.release(job)
    assert lifecycle.claim(job.id, worker="w2")
    carry_all()
    assert server.types() == ["job.queued", "job.started"]


def test_only_the_types_asked_for_are_told(register, server, through, carry_all):
    register(server.url(), event_types=["job.failed", "job.completed"])
    through()
    carry_all()
    assert server.types() == ["job.completed"]


def test_nobody_hears_of_somebody_elses_jobs(register, server, through, bob, carry_all):
    register(server.url(), user=bob)
    through()
    carry_all()
    assert server.heard == []


def test_what_happened_before_it_was_registered_is_not_told(submit, register, server, carry_all):
    job = submit()
    register(server.url())
    lifecycle.cancel(job)
    carry_all()
    assert server.types() == ["job.cancelled"]


def test_a_user_who_was_deactivated_is_told_nothing(endpoint, server, submit, alice, carry_all):
    submit()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    carry_all()
    assert server.heard == []


def test_the_official_library_takes_it_for_genuine(register, server, through, carry_all):
    _, secret = register(server.url())
    through()
    carry_all()
    for heard in server.heard:
        assert heard.verify(secret) == heard.body
        assert heard.headers["content-type"] == "application/json"
        assert "authorization" not in heard.headers


def test_words_of_any_script_are_signed_as_they_are_sent(register, server, submit, carry_all):
    _, secret = register(server.url("/höhe?q=ü"))
    submit(model="rehearsal-✓")
    carry_all()
    [heard] = server.heard
    assert heard.verify(secret)["data"]["generation_info"]["model_used"] == "rehearsal-✓"


def test_for_a_day_after_a_rotation_both_secrets_sign(register, server, submit, carry_all):
    endpoint, old = register(server.url())
    new = endpoints.rotate(endpoint)
    submit()
    carry_all()
    assert server.heard[0].headers["webhook-signature"].count("v1,") == 2
    assert server.heard[0].verify(old) == server.heard[0].verify(new)
    pass_time(hours=25)
    submit()
    carry_all()
    assert server.heard[1].headers["webhook-signature"].count("v1,") == 1
    assert server.heard[1].verify(new)


def test_the_table_shows_no_secret(register, server):
    endpoint, secret = register(server.url())
    assert secret.startswith("whsec_")
    assert secret not in json.dumps([endpoint.secret, endpoint.previous_secret])
    endpoints.rotate(endpoint)
    assert secret not in json.dumps([endpoint.secret, endpoint.previous_secret])


def test_a_secret_that_cannot_be_read_is_not_guessed(endpoint, server, submit, carry, settings):
    settings.SECRET_KEY = "another-one" * 6
    submit()
    carry()
    assert server.heard == []
    assert "rotate it" in Delivery.objects.get().attempts.get().error


def test_a_former_secret_key_still_opens_them(register, server, submit, carry, settings):
    _, secret = register(server.url())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-one" * 6
    submit()
    carry()
    assert server.heard[0].verify(secret)


def test_a_chore_seals_them_anew_so_that_the_former_key_can_be_dropped(
    register, server, submit, carry, settings, api
):
    endpoint, secret = register(server.url())
    endpoints.rotate(endpoint)
    api.post("/webhooks/job-secret")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-one" * 6
    assert [upkeep.reseal_secrets(dry_run=dry)[0].number for dry in (True, False, False)] == [3, 3, 0]
    settings.SECRET_KEY_FALLBACKS = []
    submit()
    carry()
    assert server.heard[0].verify(secret)


def test_one_that_cannot_be_read_stops_no_chore(endpoint, settings):
    settings.SECRET_KEY = "another-one" * 6
    assert upkeep.reseal_secrets()[0].number == 0


class TestTheUrlOfAJob:
    def test_it_hears_of_that_job(self, server, submit, through, carry_all):
        submit()
        job = through(webhook_url=server.url("/of/this?job=1"))
        carry_all()
        assert server.types() == ["job.queued", "job.started", "job.completed"]
        assert {(heard.job, heard.path) for heard in server.heard} == {(str(job.id), "/of/this?job=1")}

    def test_it_is_signed_with_the_users_own_secret(self, server, submit, carry_all, api):
        secret = api.post("/webhooks/job-secret").json()["secret"]
        submit(webhook_url=server.url())
        carry_all()
        assert server.heard[0].verify(secret)

    def test_a_secret_made_later_signs_along_with_the_unseen_first(self, server, submit, carry_all, api):
        submit(webhook_url=server.url())
        carry_all()
        secret = api.post("/webhooks/job-secret").json()["secret"]
        submit(webhook_url=server.url())
        carry_all()
        assert len(server.heard[0].headers["webhook-signature"].split()) == 1
        assert len(server.heard[1].headers["webhook-signature"].split()) == 2
        assert server.heard[1].verify(secret)

    def test_it_is_told_beside_the_webhooks(self, endpoint, server, submit, carry_all):
        submit(webhook_url=server.url("/own"))
        carry_all()
        assert sorted(heard.path for heard in server.heard) == ["/hook", "/own"]
