"""What Veo's adapter sends, and how it reads the documented answers."""

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.remote import Made, NotMade, Unreadable, Working
from jobs.providers.veo import Veo
from tests.remote.adapters.saying import handle, order, reply, route

HOME = "https://generativelanguage.googleapis.com/v1beta"
MODEL = "veo-3.1-generate-preview"
NAME = f"models/{MODEL}/operations/one"
KEY = {"x-goog-api-key": "a-secret-key"}


def adapter(**options):
    return Veo(route(HOME, MODEL, **options))


def outcome(**body):
    return adapter().outcome(handle(NAME), reply({"name": NAME, **body}))


def done(**answer):
    return outcome(done=True, response={"generateVideoResponse": answer})


def sample(uri):
    return done(generatedSamples=[{"video": {"uri": uri}}])


def test_an_order_is_one_instance_and_its_parameters():
    request = adapter(seed="seed", parameters={"personGeneration": "allow_adult"}).submit(order())
    assert (request.url, request.headers) == (f"{HOME}/models/{MODEL}:predictLongRunning", KEY)
    assert request.json == {
        "instances": [{"prompt": "A quiet sea"}],
        "parameters": {
            "aspectRatio": "16:9",
            "durationSeconds": 6,
            "resolution": "720p",
            "seed": 7,
            "personGeneration": "allow_adult",
        },
    }


def test_a_picture_goes_inline_and_takes_the_nearer_shape():
    body = adapter().submit(order(image=b"a picture", width=720, height=960, aspect_ratio="3:4")).json
    assert body["instances"][0]["image"] == {
        "bytesBase64Encoded": "YSBwaWN0dXJl",
        "mimeType": "image/jpeg",
    }
    assert body["parameters"]["aspectRatio"] == "9:16"
    assert "seed" not in body["parameters"]


def test_the_operation_is_asked_for_by_its_name():
    request = adapter().poll(handle(NAME))
    assert (request.method, request.url, request.headers) == ("GET", f"{HOME}/{NAME}", KEY)


@pytest.mark.parametrize("body", [{}, {"done": False}, {"metadata": {"state": "RUNNING"}}])
def test_what_is_not_done_goes_on(body):
    assert outcome(**body) == Working()


def test_the_key_goes_in_a_header_and_to_googles_own_host_only():
    said = sample(f"{HOME}/files/abc:download?alt=media")
    assert isinstance(said, Made)
    assert (said.video.url, said.video.headers) == (f"{HOME}/files/abc:download?alt=media", KEY)
    assert sample("https://elsewhere.example.org/a.mp4").video.headers == {}


def test_what_was_filtered_is_rejected_content():
    said = done(raiMediaFilteredCount=1, raiMediaFilteredReasons=["We can't create videos of that."])
    assert said.code == FailureCode.CONTENT_REJECTED
    assert "videos of that" in said.detail


@pytest.mark.parametrize("answer", [{}, {"generatedSamples": []}, {"generatedSamples": [{"video": {}}]}])
def test_done_without_a_video_is_none(answer):
    assert done(**answer).code == FailureCode.PROVIDER_UNAVAILABLE
    assert outcome(done=True).code == FailureCode.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 13, "message": "Internal error."}, FailureCode.PROVIDER_UNAVAILABLE),
        ({"code": 3, "message": "It violates our Responsible AI practices."}, FailureCode.CONTENT_REJECTED),
        ({"code": 3, "message": "The image violates our usage guidelines."}, FailureCode.CONTENT_REJECTED),
        ({"code": 3, "message": "The image is too small."}, FailureCode.PROVIDER_REJECTED),
        ({"code": 4, "message": "It took too long."}, FailureCode.PROVIDER_TIMEOUT),
        ({"code": [], "message": None}, FailureCode.PROVIDER_UNAVAILABLE),
        ("It broke.", FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_an_error_means_what_it_says(error, code):
    said = outcome(done=True, error=error)
    assert isinstance(said, NotMade)
    assert said.code == code


def refused(status, code, message, *details):
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return adapter().refused(reply({"error": error}, code))


def test_a_wrong_key_comes_as_a_400_and_is_our_matter():
    why = refused("INVALID_ARGUMENT", 400, "API key not valid.", {"reason": "API_KEY_INVALID"})
    assert (why.code, why.again, why.is_outage) == (FailureCode.PROVIDER_UNAVAILABLE, True, True)


@pytest.mark.parametrize(("said", "pause"), [("12s", 12.0), ("0.5s", 0.5), ("soon", None), (None, None)])
def test_how_long_to_wait_is_in_the_details(said, pause):
    why = refused("RESOURCE_EXHAUSTED", 429, "Slow down.", {"reason": "QUOTA"}, {"retryDelay": said})
    assert (why.again, why.pause) == (True, pause)


def test_a_model_that_is_no_more_may_be_had_elsewhere():
    why = refused("NOT_FOUND", 404, f"models/{MODEL} is no longer available.")
    assert (why.code, why.again) == (FailureCode.PROVIDER_UNAVAILABLE, False)


@pytest.mark.parametrize("body", [None, {}, {"done": True}, ["done"]])
def test_an_answer_without_a_name_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().outcome(handle(NAME), reply(body))
