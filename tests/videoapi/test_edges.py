"""What no client should ever see, and what every one may rely on, at the edges of the API."""

import json
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import override_settings

from accounts import tokens
from base.ids import uuid7
from dust import ledger
from jobs import lifecycle
from jobs.models import Job
from tests.jobs.making import details_of, order_for, stored_files

pytestmark = pytest.mark.django_db


def generate(api, raw):
    return api.post("/videos/generate", raw, content_type="application/json")


@pytest.mark.parametrize(
    "metadata",
    ['{"a": 1e999}', '{"a": -1e999}', '{"a": "\\ud800"}', '{"\\ud800": 1}', '{"a": [{"b": "\\udfff"}]}'],
)
def test_metadata_that_no_answer_could_hold_is_refused(api, metadata):
    response = generate(api, f'{{"prompt": "x", "metadata": {metadata}}}')
    assert response.status_code == 400
    assert not Job.objects.exists()


def test_metadata_comes_back_as_it_was_sent(api):
    sent = {"z": [1, 1.5, 1e300, True, None], "é": "日本 \u0000 🎬", "a": {"b": {}}}
    assert generate(api, json.dumps({"prompt": "x", "metadata": sent})).status_code == 202
    [job] = api.get("/videos/jobs").json()["jobs"]
    assert job["metadata"] == sent
    assert list(job["metadata"]) == list(sent)


def test_metadata_is_measured_in_bytes_of_utf_8(api):
    fits = {"a": "日" * ((4096 - len('{"a":""}')) // 3)}
    assert generate(api, json.dumps({"prompt": "x", "metadata": fits})).status_code == 202
    too_large = {"a": fits["a"] + "日"}
    assert generate(api, json.dumps({"prompt": "x", "metadata": too_large})).status_code == 400


def test_a_user_id_inside_another_field_is_an_unknown_field(api, alice):
    person = {"person_id": "p", "user_id": str(alice.pk)}
    response = generate(api, json.dumps({"prompt": "x", "reference_person": person}))
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "reference_person.user_id"


def test_somebody_elses_user_id_is_forbidden_on_a_cancel_too(api, alice, bob):
    job = lifecycle.submit(order_for(alice))
    response = api.delete(f"/videos/jobs/{job.id}", {"user_id": str(bob.pk)}, format="json")
    assert response.status_code == 403
    assert Job.objects.get().status == "queued"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "application/problem+json", "image/*;q=0.1", "x"]
)
def test_whatever_a_client_accepts_it_gets_json(api, accept):
    response = api.get("/videos/jobs/active", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_ids_may_be_written_in_capitals(api, alice):
    job = lifecycle.submit(order_for(alice))
    assert api.get(f"/videos/jobs/{str(job.id).upper()}/status").json()["job_id"] == str(job.id)


def test_refusing_to_cancel_a_running_job_says_when_to_look_again(api, alice):
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    response = api.delete(f"/videos/jobs/{job.id}")
    assert response.status_code == 409
    assert response["Retry-After"]
    assert api.get("/videos/jobs/active")["Retry-After"]


@pytest.mark.parametrize(
    "path", ["/nope", "/videos/jobs/abc/status", "/videos//jobs", "/videos/jobs/active/", "/schema/x"]
)
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_path_is_a_problem_document_with_a_request_id(client, path, debug):
    with override_settings(DEBUG=debug):
        response = client.get(path, headers={"X-Request-ID": "from-the-client"})
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Request-ID"] == response.json()["request_id"] == "from-the-client"


@pytest.mark.parametrize("debug", [True, False])
def test_a_fault_of_ours_is_a_500_that_tells_nothing(api, alice, caplog, debug):
    lifecycle.submit(order_for(alice))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET metadata = '{not json'")
    with override_settings(DEBUG=debug), caplog.at_level(logging.ERROR):
        response = api.get("/videos/jobs")
    assert response.status_code == 500
    body = response.json()
    assert body["error_code"] == "internal_error"
    assert "json" not in body["error"].lower()
    assert response["X-Request-ID"] == body["request_id"]
    assert "Traceback" not in response.content.decode()
    assert "not json" in caplog.text or "JSONDecodeError" in caplog.text


def test_an_unchanged_status_still_carries_its_request_id(api, alice):
    job = lifecycle.submit(order_for(alice))
    tag = api.get(f"/videos/jobs/{job.id}/status")["ETag"]
    response = api.get(f"/videos/jobs/{job.id}/status", headers={"If-None-Match": tag})
    assert (response.status_code, bool(response["X-Request-ID"])) == (304, True)
    strong = tag.removeprefix("W/")
    assert api.get(f"/videos/jobs/{job.id}/status", headers={"If-None-Match": strong}).status_code == 304


def test_a_deleted_video_is_not_said_to_be_in_the_library(api, alice, tmp_path):
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    lifecycle.accept(job)
    video_id = uuid7()
    lifecycle.complete(
        job, video_id=video_id, files=stored_files(tmp_path, video_id), details=details_of(job)
    )
    api.delete(f"/videos/{video_id}")
    Job.objects.update(expires_at="2020-01-01T00:00Z")
    assert api.get(f"/videos/jobs/{job.id}/result").json()["error_code"] == "video_deleted"


REDIS_AWAY = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
}


def test_with_the_cache_away_the_api_pages_and_readiness_say_503(client, alice, settings):
    _, secret = tokens.issue(alice, name="t")
    settings.CACHES = REDIS_AWAY
    response = client.get("/videos/jobs/active", headers={"Authorization": f"Bearer {secret}"})
    assert (response.status_code, response.json()["error_code"]) == (503, "unavailable")
    assert response["Retry-After"]
    assert client.post("/login", {"username": "alice", "password": "x"}).status_code == 503
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_readiness_names_each_thing_it_needs(client):
    body = client.get("/readyz").json()
    assert body == {
        "status": "ok",
        "checks": {"database": True, "migrations": True, "cache": True, "storage": True},
        "workers": 0,
    }


def test_a_storage_that_is_away_is_503_and_nothing_is_charged(api, alice, media, dust_balance):
    media.mkdir(parents=True)
    (media / "uploads").write_text("a file where a folder should be")
    form = {"prompt": "x", "image": SimpleUploadedFile("cat.png", b"x")}
    response = api.post("/videos/animate", form, format="multipart")
    assert (response.status_code, response.json()["error_code"]) == (503, "unavailable")
    assert dust_balance() == 100


def test_a_forms_fields_are_bounded(api):
    form = {
        "prompt": "x",
        "image_url": "http://x.example/y.png",
        "metadata": '{"a": "' + "x" * 200_000 + '"}',
    }
    assert api.post("/videos/animate", form, format="multipart").status_code == 400


def test_a_form_field_that_is_not_json_is_named(api):
    form = {"prompt": "x", "image_url": "http://x.example/y.png", "camera_fixed": "True"}
    response = api.post("/videos/animate", form, format="multipart")
    assert response.json()["errors"][0]["field"] == "camera_fixed"


@pytest.fixture
def dust_balance(alice):
    return lambda: ledger.balance(alice.pk).available


def test_somebody_elses_user_id_is_forbidden_in_a_form_too(api, bob):
    form = {"prompt": "x", "image_url": "http://x.example/y.png", "user_id": str(bob.pk)}
    assert api.post("/videos/animate", form, format="multipart").status_code == 403
    assert not Job.objects.exists()


def test_a_host_that_is_not_ours_is_refused_as_a_problem(client):
    response = client.get("/videos", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/videos/", "/videos/stats/", "/dust/balance/"])
def test_no_path_ends_with_a_slash(api, path):
    assert api.get(path).status_code == 404
