"""What fal's documented answers mean."""

import base64
import json

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.fal import Fal
from jobs.providers.remote import IN_QUEUE, Ask, Handle, Made, NotMade, Unreadable, Working
from tests.remote.adapters.saying import KEY, order, reply, route
from tests.remote.stand_ins.fal import IMAGE, TEXT, invalid

ROOT = "https://queue.fal.run/fal-ai/kling-video/requests/abc123"
URLS = {"status": f"{ROOT}/status", "response": ROOT, "cancel": f"{ROOT}/cancel"}
HANDLE = Handle(key=KEY, remote_id="abc123", urls=URLS)
VIDEO = {"video": {"url": "https://v3.fal.media/files/a/output.mp4", "content_type": "video/mp4"}}
POLICY = {
    "loc": ["body", "prompt"],
    "msg": "The content could not be processed because it contained material flagged by a content checker.",
    "type": "content_policy_violation",
    "url": "https://docs.fal.ai/errors#content_policy_violation",
    "input": "a prompt containing forbidden content",
}


def adapter(**options):
    return Fal(route("https://queue.fal.run", "fal-ai/kling-video/v2.1/master/text-to-video", **options))


def completed(answer, **status):
    """Return what is made of a COMPLETED status and of the result that is then asked for."""
    found = adapter().outcome(HANDLE, reply({"status": "COMPLETED", "logs": None, **status}))
    assert isinstance(found, Ask)
    assert (found.request.method, found.request.url) == ("GET", ROOT)
    assert found.any_status
    return found.read(answer)


def test_a_submit_has_our_order_in_the_models_words():
    request = adapter().submit(order())
    assert request.url == "https://queue.fal.run/fal-ai/kling-video/v2.1/master/text-to-video"
    assert request.headers["Authorization"] == "Key a-secret-key"
    assert request.headers["X-Fal-No-Retry"] == "1"
    lifecycle = json.loads(request.headers["X-Fal-Object-Lifecycle-Preference"])
    assert lifecycle == {"expiration_duration_seconds": 86400}
    assert request.json == {
        "prompt": "A quiet sea",
        "duration": "5",
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "seed": 7,
    }


def test_an_entry_says_how_its_model_names_things():
    one = adapter(
        image_model="fal-ai/veo3/image-to-video",
        names={
            "image": "start_image_url",
            "seed": "",
            "camera_fixed": "camera_fixed",
            "portrait": "face_url",
        },
        duration="{}s",
        resolutions={"hd_720p": "768P"},
        fields={"generate_audio": False},
        headers={"X-Fal-Store-IO": "0", "X-Fal-No-Retry": "0"},
    )
    request = one.submit(order(image=b"a picture", portrait=b"a face", aspect_ratio="3:2"))
    assert request.url == "https://queue.fal.run/fal-ai/veo3/image-to-video"
    assert (request.headers["X-Fal-Store-IO"], request.headers["X-Fal-No-Retry"]) == ("0", "0")
    assert request.json == {
        "prompt": "A quiet sea",
        "start_image_url": f"data:image/jpeg;base64,{base64.b64encode(b'a picture').decode()}",
        "face_url": f"data:image/jpeg;base64,{base64.b64encode(b'a face').decode()}",
        "duration": "5s",
        "resolution": "768P",
        "camera_fixed": False,
        "generate_audio": False,
    }
    assert adapter(duration=None).submit(order()).json["duration"] == 5


def test_its_addresses_are_used_as_they_were_given():
    body = {
        "status": "IN_QUEUE",
        "request_id": "abc123",
        "response_url": ROOT,
        "status_url": f"{ROOT}/status",
        "cancel_url": f"{ROOT}/cancel",
        "queue_position": 0,
    }
    taken = adapter().taken(reply(body))
    assert (taken.remote_id, taken.urls) == ("abc123", URLS)
    assert adapter().poll(HANDLE).url == f"{ROOT}/status"
    cancel = adapter().cancel(HANDLE)
    assert (cancel.method, cancel.url) == ("PUT", f"{ROOT}/cancel")
    assert adapter().cancel(Handle(key=KEY, remote_id="abc123")) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "IN_QUEUE", "queue_position": 3}, Working(step=IN_QUEUE, is_waiting=True)),
        ({"status": "IN_PROGRESS", "logs": []}, Working()),
        ({"status": "REROUTING"}, Working(strange="REROUTING")),
    ],
)
def test_all_but_completed_is_on_its_way(body, said):
    assert adapter().outcome(HANDLE, reply(body, 202)) == said


def test_a_status_that_is_none_is_unreadable():
    with pytest.raises(Unreadable):
        adapter().outcome(HANDLE, reply({"detail": "?"}))


@pytest.mark.parametrize("body", [VIDEO, {"videos": [VIDEO["video"]]}, {"video": VIDEO["video"]["url"]}])
def test_a_result_is_fetched_without_the_key(body):
    made = completed(reply(body))
    assert isinstance(made, Made)
    assert (made.video.url, dict(made.video.headers)) == (VIDEO["video"]["url"], {})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"video": None}, FailureCode.PROVIDER_UNAVAILABLE),
        ({"seed": 7}, FailureCode.PROVIDER_UNAVAILABLE),
        ({"videos": [], "has_nsfw_concepts": [True]}, FailureCode.CONTENT_REJECTED),
        ({"videos": [], "has_nsfw_concepts": True}, FailureCode.CONTENT_REJECTED),
    ],
)
def test_completed_without_a_video_is_a_failure(body, code):
    assert completed(reply(body)).code == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("request_timeout", FailureCode.PROVIDER_TIMEOUT),
        ("startup_timeout", FailureCode.PROVIDER_TIMEOUT),
        ("runner_disconnected", FailureCode.PROVIDER_UNAVAILABLE),
        ("client_cancelled", FailureCode.PROVIDER_UNAVAILABLE),
        ("content_policy_violation", FailureCode.CONTENT_REJECTED),
    ],
)
def test_the_queues_own_failures_need_no_second_question(kind, code):
    body = {"status": "COMPLETED", "logs": None, "error": "Some words", "error_type": kind}
    why = adapter().outcome(HANDLE, reply(body))
    assert isinstance(why, NotMade)
    assert (why.code, why.detail) == (code, f"{kind} Some words")
    assert why.is_cancelled == (kind == "client_cancelled")


def _model_error(kind, status, **more):
    detail = [{"loc": ["body"], "msg": "Some words", "type": kind, "input": {"prompt": "nsfw"}, **more}]
    return reply({"detail": detail}, status)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply({"detail": [POLICY]}, 422), FailureCode.CONTENT_REJECTED),
        (_model_error("one_of", 422), FailureCode.PROVIDER_REJECTED),
        (
            _model_error("value_error", 422, msg="enable_safety_checker is no boolean"),
            FailureCode.PROVIDER_REJECTED,
        ),
        (_model_error("image_too_small", 422), FailureCode.INVALID_IMAGE),
        (_model_error("downstream_service_error", 400), FailureCode.PROVIDER_UNAVAILABLE),
        (_model_error("internal_server_error", 500), FailureCode.PROVIDER_UNAVAILABLE),
        (_model_error("generation_timeout", 504), FailureCode.PROVIDER_TIMEOUT),
        (
            reply({"detail": "Runner disconnected"}, 503, **{"x-fal-error-type": "runner_disconnected"}),
            FailureCode.PROVIDER_UNAVAILABLE,
        ),
        (reply({"detail": "Bad input"}, 400), FailureCode.PROVIDER_REJECTED),
    ],
)
def test_a_models_error_is_its_result(answer, code):
    why = completed(answer)
    assert isinstance(why, NotMade)
    assert why.code == code


def test_the_status_tells_where_the_result_does_not():
    why = completed(reply(None, 404), error="It broke", error_type="internal_error")
    assert (why.code, why.detail) == (FailureCode.PROVIDER_UNAVAILABLE, "internal_error It broke")


@pytest.mark.parametrize(
    "answer",
    [
        reply({"detail": "Request not found"}, 404),
        reply({"detail": "Slow down", "error_type": "concurrent_requests_limit"}, 429),
        reply({"detail": "invalid key credentials"}, 401),
        reply(None, 502),
        reply(None, 307),
    ],
)
def test_an_answer_that_is_not_the_models_tells_nothing(answer):
    with pytest.raises(Unreadable):
        completed(answer)


@pytest.mark.parametrize(
    ("answer", "code", "again", "is_outage"),
    [
        (reply({"detail": "invalid key credentials"}, 401), FailureCode.PROVIDER_UNAVAILABLE, True, True),
        (reply({"detail": "No access to this app"}, 403), FailureCode.PROVIDER_UNAVAILABLE, True, True),
        (
            reply({"detail": "User is locked. Reason: Exhausted balance."}, 403),
            "provider_unavailable",
            True,
            True,
        ),
        (reply({"detail": "Application not found"}, 404), FailureCode.PROVIDER_UNAVAILABLE, False, False),
        (reply({"detail": [POLICY]}, 422), FailureCode.CONTENT_REJECTED, False, False),
        (_model_error("one_of", 422), FailureCode.PROVIDER_REJECTED, False, False),
        (_model_error("image_load_error", 422), FailureCode.INVALID_IMAGE, False, False),
        (
            reply({"detail": "Slow", "error_type": "concurrent_requests_limit"}, 429, **{"retry-after": "3"}),
            FailureCode.PROVIDER_UNAVAILABLE,
            True,
            False,
        ),
    ],
)
def test_refusals(answer, code, again, is_outage):
    why = adapter().refused(answer)
    assert (why.code, why.again, why.is_outage) == (code, again, is_outage)
    assert why.of_model == ("No access" in answer.text)
    assert why.pause == (3.0 if answer.status == 429 else None)


@pytest.mark.parametrize(("model", "changes"), [(TEXT, {}), (IMAGE, {"image": b"a picture"})])
def test_what_we_send_passes_the_check_of_a_documented_model(model, changes):
    one = Fal(route("https://queue.fal.run", TEXT, image_model=IMAGE, names={"camera_fixed": "camera_fixed"}))
    request = one.submit(order(**changes))
    assert request.url == f"https://queue.fal.run/{model}"
    assert invalid({**request.json, "": model}) == []
