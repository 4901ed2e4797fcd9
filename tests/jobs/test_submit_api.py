"""POST /videos/generate and /videos/animate."""

import json

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from dust.models import Account, Transfer
from jobs.models import Job

pytestmark = pytest.mark.django_db

PICTURE = "http://pictures.example/cat.jpg"


def generate(api, **fields):
    return api.post("/videos/generate", {"prompt": "a quiet sea", **fields}, format="json")


def animate(api, **fields):
    return api.post("/videos/animate", {"prompt": "zoom in", "image_url": PICTURE, **fields}, format="json")


def refused(response, field, code=None):
    assert response.status_code == 400, response.content
    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert body["error_code"] == "invalid_request"
    found = [error for error in body["errors"] if error["field"].split(".")[0] == field]
    assert found, body
    if code:
        assert found[0]["code"] == code
    assert not Job.objects.exists()
    return found[0]["message"]


def test_a_generate_is_accepted_at_once_with_what_the_contract_names(api, alice):
    response = generate(api)
    assert response.status_code == 202
    body = response.json()
    assert set(body) == {
        "success",
        "job_id",
        "status",
        "estimated_completion_seconds",
        "message",
        "cost",
        "balance",
    }
    assert (body["success"], body["status"], body["cost"], body["balance"]) == (True, "queued", 10, 90)
    assert body["estimated_completion_seconds"] >= 1
    assert response["Location"] == f"/videos/jobs/{body['job_id']}/status"
    assert int(response["Retry-After"]) >= 1
    assert response["Cache-Control"] == "no-store"
    job = Job.objects.get(id=body["job_id"])
    assert job.user == alice
    assert job.request_id == response["X-Request-ID"]


def test_defaults_are_as_the_contract_says(api):
    generate(api)
    job = Job.objects.get()
    assert (job.duration, job.resolution, job.aspect_ratio) == ("short", "hd_1080p", "16:9")
    assert (job.camera_fixed, job.metadata, job.reference_person) == (False, {}, None)
    assert job.model == "preview"
    assert 0 <= job.seed < 2**31
    assert job.seed_was_drawn


def test_everything_asked_for_is_kept(api):
    person = {"person_id": "p1", "photo_url": "https://x.example/p.jpg", "relationship": "sister"}
    asked = {
        "duration": "long",
        "resolution": "4k_2160p",
        "aspect_ratio": "9:21",
        "camera_fixed": True,
        "metadata": {"z": 1, "a": {"é": [1e300, None, "\u0000"]}},
        "reference_person": person,
        "model": "rehearsal",
        "seed": 0,
    }
    assert generate(api, **asked).status_code == 202
    job = Job.objects.get()
    for field, value in asked.items():
        assert getattr(job, field) == value
    assert not job.seed_was_drawn
    assert list(job.metadata) == ["z", "a"]


def test_the_prompt_is_trimmed_and_counted_after_that(api):
    assert generate(api, prompt="  " + "x" * 1000 + "\n").status_code == 202
    assert Job.objects.get().prompt == "x" * 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", "   "),
        ("prompt", "x" * 1001),
        ("prompt", None),
        ("prompt", 5),
        ("prompt", ["a"]),
        ("prompt", "nul \x00 byte"),
        ("duration", "5"),
        ("duration", 5),
        ("duration", "SHORT"),
        ("resolution", "8k"),
        ("resolution", None),
        ("aspect_ratio", "2:1"),
        ("aspect_ratio", ""),
        ("camera_fixed", "true"),
        ("camera_fixed", 1),
        ("camera_fixed", None),
        ("metadata", []),
        ("metadata", "{}"),
        ("metadata", None),
        ("metadata", {"x": "y" * 4096}),
        ("seed", -1),
        ("seed", 2**31),
        ("seed", "7"),
        ("seed", 7.0),
        ("seed", True),
        ("model", "nonesuch"),
        ("model", 3),
        ("reference_person", "p1"),
        ("reference_person", {}),
        ("reference_person", {"person_id": 5}),
        ("reference_person", {"person_id": "p", "photo_url": "ftp://x/y"}),
        ("reference_person", {"person_id": "p", "shoe_size": 42}),
    ],
)
def test_a_bad_field_is_refused_by_its_name(api, field, value):
    refused(generate(api, **{field: value}), field)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cat.jpg",
        "ftp://x.example/cat.jpg",
        "file:///etc/passwd",
        "http://",
        "http:///cat.jpg",
        "http://a b/c",
    ]
    + ["javascript:alert(1)", "http://[::1/x", "https://x.example/" + "y" * 2000, 5, None],
)
def test_an_image_url_that_is_no_web_address_is_refused(api, url):
    refused(animate(api, image_url=url), "image_url")


@pytest.mark.parametrize("field", ["promt", "duration_seconds", "callback", "Prompt", "__proto__"])
def test_an_unknown_field_is_refused_by_its_name(api, field):
    refused(generate(api, **{field: "x"}), field, "unknown_field")


@pytest.mark.parametrize("field", ["aspect_ratio", "reference_person"])
def test_animate_does_not_know_the_fields_that_the_picture_decides(api, field):
    refused(animate(api, **{field: None}), field, "unknown_field")


def test_animate_needs_a_picture(api):
    refused(api.post("/videos/animate", {"prompt": "zoom"}, format="json"), "image_url", "required")


def test_all_wrong_fields_are_named_at_once(api):
    body = generate(api, prompt="", seed="x").json()
    assert {error["field"] for error in body["errors"]} == {"prompt", "seed"}
    assert body["success"] is False
    assert body["status"] == 400
    assert body["request_id"]
    assert {"type", "title", "detail", "instance", "error"} <= set(body)


def test_the_callers_own_user_id_is_accepted_in_the_body(api, alice):
    assert generate(api, user_id=str(alice.pk)).status_code == 202


@pytest.mark.parametrize("user_id", ["00000000-0000-0000-0000-000000000000", "x", 5, None])
def test_anybody_elses_user_id_is_forbidden(api, user_id):
    response = generate(api, user_id=user_id)
    assert response.status_code == 403
    assert response.json()["error_code"] == "permission_denied"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'"x"', b"null", b'{"prompt": NaN}', b'{"prompt": "\xff"}', b'{"prompt": "\\ud800"}']
    + [b'{"prompt": "x", "metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}", b"[" * 30000]
    + [b'{"prompt": "x", "seed": ' + b"9" * 5000 + b"}"],
)
def test_a_body_that_is_not_a_sane_json_object_is_refused(api, raw):
    response = api.post("/videos/generate", raw, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error_code"] == "invalid_request"
    assert not Job.objects.exists()


def test_a_json_body_over_the_limit_is_413(api, settings):
    response = generate(api, metadata={"x": "y" * settings.MAX_JSON_BYTES})
    assert response.status_code == 413
    assert response.json()["error_code"] == "payload_too_large"


def test_json_sent_as_plain_text_is_read(api):
    raw = json.dumps({"prompt": "from a browser"})
    response = api.post("/videos/generate", raw, content_type="text/plain;charset=UTF-8")
    assert response.status_code == 202


def test_another_content_type_is_415(api):
    response = api.post("/videos/generate", b"<x/>", content_type="application/xml")
    assert response.status_code == 415
    assert response.json()["error_code"] == "unsupported_media_type"


def test_another_method_is_405_and_names_the_right_one(api):
    response = api.get("/videos/generate")
    assert response.status_code == 405
    assert "POST" in response["Allow"]
    assert response.json()["error_code"] == "method_not_allowed"


def test_nobody_is_401(client):
    response = client.post("/videos/generate", {"prompt": "x"}, content_type="application/json")
    assert response.status_code == 401
    assert response.json()["error_code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_too_little_dust_is_402_with_both_numbers_and_no_job(api, alice, settings):
    settings.DUST_OPENING_GRANT = 9
    response = generate(api)
    assert response.status_code == 402
    body = response.json()
    assert (body["error_code"], body["current_balance"], body["required_amount"]) == (
        "insufficient_dust",
        9,
        10,
    )
    assert not Job.objects.exists()


def test_a_frozen_account_is_403(api, alice):
    generate(api)
    Account.objects.filter(user=alice).update(frozen=True)
    assert generate(api).status_code == 403
    assert Job.objects.count() == 1


def test_too_many_active_jobs_is_429_with_retry_after(api, settings):
    settings.MAX_ACTIVE_JOBS = 1
    generate(api)
    response = generate(api)
    assert response.status_code == 429
    assert response.json()["error_code"] == "too_many_active_jobs"
    assert int(response["Retry-After"]) >= 1
    assert Transfer.objects.filter(kind="hold").count() == 1


def test_the_rate_limit_is_429_with_retry_after(api, settings):
    from base.throttles import SubmitThrottle

    SubmitThrottle.THROTTLE_RATES["submit"], kept = "2/min", SubmitThrottle.THROTTLE_RATES["submit"]
    try:
        assert [generate(api).status_code for _ in range(3)] == [202, 202, 429]
        response = generate(api)
        assert response.json()["error_code"] == "rate_limited"
        assert int(response["Retry-After"]) >= 1
    finally:
        SubmitThrottle.THROTTLE_RATES["submit"] = kept
    assert Job.objects.count() == 2


def test_prices_follow_the_table_in_the_settings(api, settings):
    settings.DUST_PRICES = {
        "generate": 10,
        "animate": 8,
        "rules": [{"resolution": "4k_2160p", "duration": "long", "generate": 60}],
    }
    assert generate(api, resolution="4k_2160p", duration="long").json()["cost"] == 60
    assert generate(api).json()["cost"] == 10
    assert animate(api).json()["cost"] == 8


def test_what_a_model_cannot_do_is_refused_with_what_it_can(api, settings):
    settings.VIDEO_MODELS = {"preview": {"resolutions": ["sd_480p", "hd_720p"]}}
    message = refused(generate(api, resolution="4k_2160p"), "resolution", "unsupported_by_model")
    assert "sd_480p, hd_720p" in message


def upload(name="cat.png", content=b"\x89PNG..."):
    return SimpleUploadedFile(name, content, content_type="image/png")


def test_an_uploaded_picture_is_kept_under_a_name_of_ours(api):
    form = {"prompt": "zoom", "image": upload("../../etc/passwd.png"), "seed": "7", "camera_fixed": "true"}
    response = api.post("/videos/animate", {**form, "metadata": '{"a": 1}'}, format="multipart")
    assert response.status_code == 202, response.content
    job = Job.objects.get()
    assert job.upload.startswith("uploads/")
    assert "passwd" not in job.upload
    assert job.upload_name == "passwd.png"
    assert (job.seed, job.camera_fixed, job.metadata) == (7, True, {"a": 1})
    with default_storage.open(job.upload) as kept:
        assert kept.read() == b"\x89PNG..."


def test_an_upload_over_the_limit_is_413(api, settings):
    settings.MAX_UPLOAD_BYTES = 10
    response = api.post(
        "/videos/animate", {"prompt": "x", "image": upload(content=b"x" * 11)}, format="multipart"
    )
    assert response.status_code == 413
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"image": b""}, "image"),
        ({"image": None, "image_url": "ftp://x/y"}, "image_url"),
        ({"image_url": PICTURE}, "image_url"),
        ({"seed": "seven"}, ""),
        ({"aspect_ratio": "16:9"}, "aspect_ratio"),
        ({"second": b"x"}, "second"),
    ],
)
def test_a_bad_form_is_refused_and_nothing_is_kept(api, form, field, media):
    fields = {"prompt": "x", "image": upload(), **form}
    parts = {
        name: upload(name, value) if isinstance(value, bytes) else value
        for name, value in fields.items()
        if value is not None
    }
    response = api.post("/videos/animate", parts, format="multipart")
    assert response.status_code == 400, response.content
    if field:
        assert response.json()["errors"][0]["field"] == field
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_an_upload_that_cannot_be_paid_is_not_kept(api, settings, media):
    settings.DUST_OPENING_GRANT = 0
    response = api.post("/videos/animate", {"prompt": "x", "image": upload()}, format="multipart")
    assert response.status_code == 402
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_form_with_an_image_url_works_too(api):
    response = api.post("/videos/animate", {"prompt": "x", "image_url": PICTURE}, format="multipart")
    assert response.status_code == 202
    assert Job.objects.get().image_url == PICTURE
