"""`POST /v1/videos`: what is read, what it becomes, and what is refused."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dust.models import Account
from jobs.models import Job
from jobs.openai_face import sizes
from tests.jobs.openai_face.conftest import error


def test_a_prompt_alone_makes_the_usual_video(create, settings):
    response = create()
    assert response.status_code == 200
    job = Job.objects.get()
    assert response.json() == {
        "id": str(job.id),
        "object": "video",
        "model": settings.DEFAULT_MODEL,
        "status": "queued",
        "progress": 0,
        "created_at": int(job.created_at.timestamp()),
        "completed_at": None,
        "expires_at": None,
        "prompt": "a quiet sea",
        "seconds": "5",
        "size": "720x1280",
        "remixed_from_video_id": None,
        "error": None,
    }
    assert (job.generation_type, job.duration, job.resolution) == ("text_to_video", "short", "hd_720p")
    assert (job.aspect_ratio, job.request_id) == ("9:16", response["X-Request-ID"])


def test_it_says_when_to_ask_again(create):
    response = create()
    assert int(response["openai-poll-after-ms"]) == 1000 * int(response["Retry-After"]) > 0


@pytest.mark.parametrize(("size", "shape"), sizes.OURS.items())
def test_each_size_of_ours_is_made_as_it_is_asked_for(create, size, shape):
    assert create(size=size).json()["size"] == size
    job = Job.objects.get()
    assert (job.resolution, job.aspect_ratio) == shape


def test_sizes_are_all_told_apart():
    assert len(sizes.OURS) == 28
    assert not set(sizes.NEAR) & set(sizes.OURS)


@pytest.mark.parametrize(("size", "made"), [("1024x1792", "1080x1920"), ("1792x1024", "1920x1080")])
def test_a_size_of_openais_own_is_made_as_the_next_larger_one_and_says_so(create, size, made):
    assert create(size=size).json()["size"] == made


@pytest.mark.parametrize("seconds", ["5", "10", "15", 5, 10, 15])
def test_each_length_is_made_as_it_is_asked_for(create, seconds):
    assert create(seconds=seconds).json()["seconds"] == str(seconds)


@pytest.mark.parametrize("seconds", ["4", "8", "12", 4, "5.0", 5.0, True, ""])
def test_another_length_is_refused_with_those_that_there_are(create, seconds):
    said = error(create(seconds=seconds), 400)
    assert (said["param"], said["code"], said["type"]) == (
        "seconds",
        "invalid_value",
        "invalid_request_error",
    )
    assert said["message"] == "seconds: Must be one of: 5, 10, 15."
    assert not Job.objects.exists()


@pytest.mark.parametrize("size", ["640x360", "1280X720", "auto", "", 720])
def test_another_size_is_refused_with_those_that_there_are(create, size):
    said = error(create(size=size), 400)
    assert (said["param"], said["code"]) == ("size", "invalid_value")
    assert all(name in said["message"] for name in sizes.SIZES)


def test_what_a_model_cannot_make_is_refused_with_what_it_can(create, settings):
    settings.VIDEO_MODELS = {
        "preview": {"resolutions": ["sd_480p"], "aspect_ratios": ["16:9", "1:1"], "durations": ["medium"]}
    }
    said = error(create(size="1280x720"), 400)
    assert said["param"] == "size"
    assert "It can do: 854x480, 480x480." in said["message"]
    said = error(create(seconds="5"), 400)
    assert said["param"] == "seconds"
    assert "It can do: 10." in said["message"]
    usual = create().json()
    assert (usual["size"], usual["seconds"]) == ("854x480", "10")


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": "x" * 1001}, "prompt", "invalid_value"),
        ({"prompt": "a\0b"}, "prompt", "invalid_value"),
        ({"n": 2}, "n", "unknown_parameter"),
        ({"model": "sora-3"}, "model", "model_not_found"),
        ({"seed": -1}, "seed", "invalid_value"),
        ({"seed": "7"}, "seed", "invalid_value"),
        ({"input_reference": "x"}, "input_reference", "invalid_value"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference.file_id", "unknown_parameter"),
        ({"input_reference": {"image_url": "data:image/png;base64,AAAA"}}, "input_reference.image_url", None),
        ({"input_reference": {"image_url": "ftp://x.example/y"}}, "input_reference.image_url", None),
    ],
)
def test_a_bad_field_is_refused_by_its_name(create, fields, param, code):
    said = error(create(**fields), 400)
    assert (said["param"], said["code"]) == (param, code or "invalid_value")
    assert said["message"].startswith(f"{param}: ") or said["param"] == "model"
    assert not Job.objects.exists()


def test_a_missing_prompt_is_a_missing_parameter(api):
    said = error(api.post("/v1/videos", {}, format="json"), 400)
    assert (said["param"], said["code"]) == ("prompt", "missing_required_parameter")


def test_what_is_no_json_is_refused(api):
    said = error(api.post("/v1/videos", "{", content_type="application/json"), 400)
    assert (said["param"], said["code"]) == (None, "invalid_request")


def test_a_model_that_makes_nothing_of_pictures_says_so_of_the_picture(create, settings):
    settings.VIDEO_MODELS = {"preview": {"generation_types": ["text_to_video"]}}
    said = error(create(input_reference={"image_url": "https://pictures.example/cat.jpg"}), 400)
    assert said["param"] == "input_reference"


def test_names_of_others_stand_for_the_models_that_the_settings_say(create, settings):
    settings.OPENAI_MODELS = {"sora-2": "rehearsal"}
    assert create(model="sora-2").json()["model"] == "rehearsal"
    assert create(model="preview").json()["model"] == "preview"
    error(create(model="sora-2-pro"), 400)


def test_a_seed_is_kept(create):
    create(seed=42)
    assert Job.objects.get().seed == 42


def test_a_picture_by_its_address_makes_an_image_to_video(create):
    address = "https://pictures.example/cat.jpg"
    response = create(size="1280x720", input_reference={"image_url": address})
    job = Job.objects.get()
    assert (job.generation_type, job.image_url, job.cost) == ("image_to_video", address, 8)
    assert (job.resolution, job.aspect_ratio) == ("hd_720p", "")
    assert response.json()["size"] is None


def test_a_form_holds_the_same_and_the_picture(api, media):
    picture = SimpleUploadedFile("cat.png", b"\x89PNG...", content_type="image/png")
    form = {"prompt": "zoom", "seconds": "10", "size": "854x480", "seed": "7", "input_reference": picture}
    response = api.post("/v1/videos", form, format="multipart")
    assert response.status_code == 200, response.content
    job = Job.objects.get()
    assert (job.generation_type, job.duration, job.resolution) == ("image_to_video", "medium", "sd_480p")
    assert (job.seed, job.upload_name) == (7, "cat.png")
    assert (media / job.upload).read_bytes() == b"\x89PNG..."


def test_a_form_can_name_a_picture_as_the_clients_write_it(api):
    form = {"prompt": "zoom", "input_reference[image_url]": "https://pictures.example/cat.jpg"}
    assert api.post("/v1/videos", form, format="multipart").status_code == 200
    assert Job.objects.get().image_url == "https://pictures.example/cat.jpg"


@pytest.mark.parametrize("name", ["image", "mask", "input_reference[]"])
def test_a_file_of_another_name_is_refused(api, name, media):
    form = {"prompt": "zoom", name: SimpleUploadedFile("cat.png", b"x")}
    assert error(api.post("/v1/videos", form, format="multipart"), 400)["param"] == name
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_picture_above_the_limit_is_413(api, settings):
    settings.MAX_UPLOAD_BYTES = 10
    form = {"prompt": "zoom", "input_reference": SimpleUploadedFile("cat.png", b"x" * 11)}
    response = api.post("/v1/videos", form, format="multipart")
    assert error(response, 413)["code"] == "payload_too_large"


def test_a_body_too_large_is_413(create):
    assert error(create(model="x" * 70_000), 413)["code"] == "payload_too_large"


def test_another_content_type_is_415(api):
    response = api.post("/v1/videos", "<a/>", content_type="application/xml")
    assert error(response, 415)["code"] == "unsupported_media_type"


def test_the_dust_is_held_as_by_any_submit(create, alice, dust_of):
    create()
    assert dust_of(alice) == (100, 10)


def test_too_little_dust_is_the_clients_word_for_it_and_not_tried_again(create, settings):
    settings.DUST_OPENING_GRANT = 4
    response = create()
    said = error(response, 429)
    assert said["type"] == said["code"] == "insufficient_quota"
    assert said["message"] == "This needs 10 DUST and 4 can be spent."
    assert response["x-should-retry"] == "false"
    assert "Retry-After" not in response
    assert not Job.objects.exists()


def test_too_many_at_once_is_429_and_not_tried_again_before_one_has_ended(create, settings):
    settings.MAX_ACTIVE_JOBS = 1
    create()
    response = create()
    said = error(response, 429)
    assert (said["type"], said["code"]) == ("rate_limit_error", "too_many_active_jobs")
    assert int(response["Retry-After"]) >= 1
    assert response["x-should-retry"] == "false"


def test_submits_are_counted_with_all_others(create, api, monkeypatch):
    from base.throttles import SubmitThrottle

    monkeypatch.setitem(SubmitThrottle.THROTTLE_RATES, "submit", "2/min")
    assert create().status_code == 200
    assert api.post("/videos/generate", {"prompt": "x"}, format="json").status_code == 202
    response = create()
    assert error(response, 429)["code"] == "rate_limit_exceeded"
    assert int(response["Retry-After"]) >= 1
    assert api.get("/v1/videos").status_code == 200


def test_a_frozen_account_is_403(create, alice):
    create()
    Account.objects.filter(user=alice).update(frozen=True)
    said = error(create(), 403)
    assert (said["type"], said["code"]) == ("permission_error", "account_frozen")


def test_another_users_id_is_403(create, bob):
    assert error(create(user_id=str(bob.pk)), 403)["code"] == "permission_denied"
