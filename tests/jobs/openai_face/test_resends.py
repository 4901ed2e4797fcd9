"""A create that comes again makes no second job: by its key, or by the number of its try."""

import threading
import time

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from rest_framework.test import APIClient

from base.throttles import SubmitThrottle
from dust import ledger
from dust.models import Transfer
from jobs import housekeeping, lifecycle, resends
from jobs.models import Job, Unanswered
from tests.jobs.making import finish
from tests.jobs.openai_face.conftest import error


def number(count):
    """The header by which the official clients number their tries."""
    return {"X-Stainless-Retry-Count": str(count)}


@pytest.fixture
def again(create):
    """Send try `number` of a create, as the official clients number them; return the id of its video."""

    def send(number, **fields):
        response = create(headers={"X-Stainless-Retry-Count": str(number)}, **fields)
        assert response.status_code == 200, response.content
        return response.json()["id"]

    return send


def test_a_key_is_honoured_as_everywhere(create, api):
    first = create(headers={"Idempotency-Key": "k1"})
    second = create(headers={"Idempotency-Key": "k1"})
    assert first.json() == second.json()
    assert (second["Idempotent-Replayed"], "Idempotent-Replayed" in first) == ("true", False)
    assert Transfer.objects.filter(kind="hold").count() == 1
    said = error(create(headers={"Idempotency-Key": "k1"}, seconds="10"), 422)
    assert said["code"] == "idempotency_key_reused"
    error(create(headers={"Idempotency-Key": "x" * 256}), 400)


def test_a_replay_says_where_the_video_stands_now(create):
    first = create(headers={"Idempotency-Key": "k1"}).json()
    lifecycle.claim(Job.objects.get(id=first["id"]).id, worker="w1")
    assert create(headers={"Idempotency-Key": "k1"}).json()["status"] == "in_progress"


def test_a_second_try_gets_the_job_of_the_first(again, create):
    first = again(0)
    assert again(1) == first
    assert again(2) == first
    assert Job.objects.count() == Transfer.objects.filter(kind="hold").count() == 1
    assert create(headers={"X-Stainless-Retry-Count": "3"})["Idempotent-Replayed"] == "true"


def test_a_first_try_always_makes_one(again):
    assert len({again(0), again(0), again(0)}) == 3


def test_a_second_try_whose_first_never_came_makes_one(again):
    first = again(1)
    assert again(2) == first
    assert again(1) != first
    assert Job.objects.count() == 2


def test_a_job_whose_id_was_used_was_not_lost(again, api):
    first = again(0)
    api.get(f"/v1/videos/{first}")
    assert again(1) != first


def test_the_list_tells_nothing_about_it(again, api):
    first = again(0)
    api.get("/v1/videos")
    assert again(1) == first


def test_equal_ones_that_were_lost_together_get_one_each(again):
    made = {again(0), again(0)}
    assert {again(1), again(1)} == made
    assert {again(2), again(2)} == made
    assert Job.objects.count() == 2


def test_another_request_or_another_user_is_no_repetition(again, bobs_api):
    first = again(0)
    assert again(1, seconds="10") != first
    theirs = bobs_api.post(
        "/v1/videos", {"prompt": "a quiet sea"}, format="json", headers={"X-Stainless-Retry-Count": "1"}
    )
    assert theirs.json()["id"] != first


def test_after_its_time_nobody_asks_for_it_any_more(again):
    first = again(0)
    Unanswered.objects.update(created_at=Unanswered.objects.get().created_at - 2 * resends.LIFETIME)
    assert again(1) != first
    assert resends.remove_stale(dry_run=True) == 1
    counts = {str(count) for count in housekeeping.remove_stale_keys()}
    assert "old notes of submits removed: 1" in counts
    assert Unanswered.objects.count() == 1


def test_one_with_neither_key_nor_number_is_new_each_time(create):
    assert create().json()["id"] != create().json()["id"]
    assert create(headers={"X-Stainless-Retry-Count": "one"}).status_code == 200
    assert not Unanswered.objects.exists()


def test_a_picture_counts_and_the_one_sent_again_is_not_kept_twice(api, media):
    def send(number, content):
        picture = SimpleUploadedFile("cat.png", content, content_type="image/png")
        form = {"prompt": "zoom", "input_reference": picture}
        headers = {"X-Stainless-Retry-Count": str(number)}
        return api.post("/v1/videos", form, format="multipart", headers=headers).json()["id"]

    first = send(0, b"one")
    assert send(1, b"one") == first
    assert send(1, b"two") != first
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_a_refused_try_leaves_nothing_that_the_next_could_take(again, create, settings):
    settings.MAX_ACTIVE_JOBS = 0
    error(create(headers={"X-Stainless-Retry-Count": "0"}), 429)
    settings.MAX_ACTIVE_JOBS = 20
    again(1)
    assert Job.objects.count() == 1


def test_a_first_try_that_was_refused_is_not_sent_again_for_it_would_get_another_ones_job(
    again, create, settings, monkeypatch
):
    again(0)
    settings.MAX_ACTIVE_JOBS = 1
    response = create(headers=number(0))
    assert error(response, 429)["code"] == "too_many_active_jobs"
    assert response["x-should-retry"] == "false"
    settings.MAX_ACTIVE_JOBS = 20
    monkeypatch.setitem(SubmitThrottle.THROTTLE_RATES, "submit", "1/min")
    cache.clear()
    create()
    response = create(headers=number(0))
    assert error(response, 429)["code"] == "rate_limit_exceeded"
    assert response["x-should-retry"] == "false"
    assert int(response["Retry-After"]) >= 1


@pytest.mark.parametrize("headers", [number(1), {"Idempotency-Key": "k1"}, {}])
def test_a_throttled_try_that_can_be_told_from_others_is_worth_another(create, monkeypatch, headers):
    monkeypatch.setitem(SubmitThrottle.THROTTLE_RATES, "submit", "1/min")
    cache.clear()
    create()
    response = create(headers={**number(0), **headers} if headers else {})
    assert error(response, 429)["code"] == "rate_limit_exceeded"
    assert "x-should-retry" not in response


@pytest.mark.parametrize("path", ["/videos/jobs/{}/status", "/videos/jobs/{}/result"])
def test_a_job_that_is_asked_for_by_our_own_api_was_not_lost_either(
    again, api, path, django_assert_num_queries
):
    first = again(0)
    api.get(path.format(first))
    assert not Unanswered.objects.exists()
    with django_assert_num_queries(1):
        api.get(path.format(first))
    assert again(1) != first


@pytest.fixture
def make_and_delete(api, tmp_path):
    """Have a job's video made, and delete it from the library: `/v1/videos` hears nothing of either."""

    def work(job_id):
        job = lifecycle.claim(job_id, worker="w1")
        lifecycle.accept(job)
        finish(job, tmp_path)
        assert api.delete(f"/videos/{Job.objects.get(id=job_id).video_id}").status_code == 200

    return work


def test_a_job_whose_video_was_deleted_is_nobodys_second_try(again, make_and_delete):
    first = again(0)
    make_and_delete(first)
    assert again(1) != first


def test_a_key_gets_its_job_though_its_video_was_deleted(create, api, make_and_delete):
    first = create(headers={"Idempotency-Key": "k1"}).json()["id"]
    make_and_delete(first)
    response = create(headers={"Idempotency-Key": "k1"})
    assert response.status_code == 200, response.content
    assert (response.json()["id"], response.json()["status"]) == (first, "completed")
    assert response["Idempotent-Replayed"] == "true"
    assert api.get(f"/v1/videos/{first}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_try_waits_for_the_one_before_it_that_is_still_at_work(alice, together):
    ledger.open_account(alice.pk)  # opening it would hold up the other by itself
    at_work = threading.Event()

    def send(number):
        client = APIClient()
        client.force_authenticate(alice)
        headers = {"X-Stainless-Retry-Count": str(number)}

        def post():
            return client.post("/v1/videos", {"prompt": "a sea"}, format="json", headers=headers).json()["id"]

        if number:
            assert at_work.wait(60)
            return post()
        with transaction.atomic():
            made = post()
            at_work.set()
            time.sleep(0.5)  # not committed: the other one comes now, or later, and finds the same
        return made

    assert len(set(together(send, [0, 1]))) == 1
    assert Job.objects.count() == Transfer.objects.filter(kind="hold").count() == 1
