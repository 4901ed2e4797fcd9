"""Idempotency-Key: a repeated submit is answered, not repeated."""

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from rest_framework.test import APIClient

from dust import ledger
from dust.models import Transfer
from jobs import idempotency
from jobs.models import IdempotencyKey, Job
from tests.jobs.making import OPENING


def generate(api, key="k-1", **fields):
    headers = {"Idempotency-Key": key}
    return api.post("/videos/generate", {"prompt": "a sea", **fields}, format="json", headers=headers)


@pytest.mark.django_db
def test_the_first_answer_comes_again_with_no_second_job_or_charge(api, alice, dust_of):
    first, second = generate(api), generate(api)
    assert second.status_code == 202
    assert second.json() == first.json()
    assert second["Location"] == first["Location"]
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Job.objects.count() == 1
    assert dust_of(alice) == (OPENING, 10)


@pytest.mark.django_db
def test_the_order_of_fields_in_the_body_does_not_matter(api):
    body = '{"prompt": "a sea", "seed": 1}', '{"seed":1,"prompt":"a sea"}'
    for raw in body:
        api.post("/videos/generate", raw, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_422(api):
    generate(api)
    response = generate(api, prompt="another sea")
    assert response.status_code == 422
    assert response.json()["error_code"] == "idempotency_key_reused"
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_on_the_other_endpoint_is_422(api):
    generate(api)
    fields = {"prompt": "a sea", "image_url": "http://x.example/y.jpg"}
    response = api.post("/videos/animate", fields, format="json", headers={"Idempotency-Key": "k-1"})
    assert response.status_code == 422


@pytest.mark.django_db
def test_another_users_equal_key_is_another_key(api, bobs_api):
    generate(api)
    assert "Idempotent-Replayed" not in generate(bobs_api)
    assert Job.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "\x7f"])
def test_a_key_that_is_not_printable_or_too_long_is_refused(api, key):
    response = generate(api, key=key)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_refused_submit_leaves_its_key_free(api, alice, settings):
    settings.DUST_OPENING_GRANT = 0
    assert generate(api).status_code == 402
    ledger.grant(ledger.open_account(alice.pk).pk, 10, key="top-up", actor="charlie", reason="test")
    response = generate(api)
    assert response.status_code == 202
    assert "Idempotent-Replayed" not in response


@pytest.mark.django_db
def test_a_replay_is_not_stopped_by_an_empty_account_or_a_full_queue(api, settings):
    settings.DUST_OPENING_GRANT, settings.MAX_ACTIVE_JOBS = 10, 1
    first = generate(api)
    assert generate(api).json() == first.json()


@pytest.mark.django_db
def test_a_replayed_upload_keeps_one_picture(api, media):
    def send(content):
        form = {"prompt": "x", "image": SimpleUploadedFile("cat.png", content)}
        return api.post("/videos/animate", form, format="multipart", headers={"Idempotency-Key": "k"})

    assert send(b"one").status_code == 202
    assert send(b"one")["Idempotent-Replayed"] == "true"
    assert send(b"two").status_code == 422
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1


@pytest.mark.django_db
def test_a_key_is_free_again_after_24_hours(api):
    first = generate(api)
    aged = idempotency.LIFETIME * 1.01
    for row in IdempotencyKey.objects.all():
        IdempotencyKey.objects.filter(id=row.id).update(created_at=row.created_at - aged)
    second = generate(api)
    assert second.status_code == 202
    assert second.json()["job_id"] != first.json()["job_id"]


@pytest.mark.django_db
def test_stale_keys_are_counted_and_removed(api):
    generate(api)
    assert idempotency.remove_stale() == 0
    row = IdempotencyKey.objects.get()
    IdempotencyKey.objects.update(created_at=row.created_at - idempotency.LIFETIME * 2)
    assert idempotency.remove_stale(dry_run=True) == 1
    assert idempotency.remove_stale() == 1
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_equal_submits_at_once_make_one_job_and_one_hold(alice, together):
    def send(_):
        api = APIClient()
        api.force_authenticate(alice)
        return generate(api)

    answers = together(send, range(6))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 5
    assert Job.objects.count() == 1
    assert Transfer.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer: it waits its turn")
def test_a_request_that_takes_too_long_makes_its_equal_answer_409(alice, api, settings):
    settings.IDEMPOTENCY_WAIT_MS = 200
    ledger.open_account(alice.pk)
    taken, release = threading.Event(), threading.Event()

    def hold_the_key():
        with transaction.atomic():
            IdempotencyKey.objects.create(user=alice, key="k-1", fingerprint="0")
            taken.set()
            release.wait(20)
            transaction.set_rollback(True)
        connections.close_all()

    thread = threading.Thread(target=hold_the_key)
    thread.start()
    try:
        assert taken.wait(10)
        response = generate(api)
        assert response.status_code == 409
        assert response.json()["error_code"] == "idempotency_in_progress"
        assert response["Retry-After"]
    finally:
        release.set()
        thread.join()
    assert generate(api).status_code == 202
    assert connection.vendor == "postgresql"
