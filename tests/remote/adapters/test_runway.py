"""What Runway's adapter sends, and how it reads the documented answers."""

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.remote import IN_QUEUE, Cost, Made, NotMade, Unreadable, Working
from jobs.providers.runway import Runway
from tests.remote.adapters.saying import handle, order, reply, route

HEADERS = {"Authorization": "Bearer a-secret-key", "X-Runway-Version": "2024-11-06"}
HOME = "https://api.dev.runwayml.com"


def adapter(**options):
    return Runway(route(HOME, "gen4.5", **options))


def outcome(**body):
    return adapter().outcome(handle(), reply({"id": "one", "createdAt": "2026-10-01T12:00:00Z", **body}))


def test_a_text_and_a_picture_go_to_their_own_endpoints():
    request = adapter().submit(order())
    assert (request.method, request.url, request.headers) == ("POST", f"{HOME}/v1/text_to_video", HEADERS)
    fields = {"model": "gen4.5", "promptText": "A quiet sea", "ratio": "1280:720", "duration": 5, "seed": 7}
    assert request.json == fields
    request = adapter().submit(order(image=b"a picture"))
    assert request.url == f"{HOME}/v1/image_to_video"
    assert request.json == {**fields, "promptImage": "data:image/jpeg;base64,YSBwaWN0dXJl"}


def test_options_carry_what_differs_by_model():
    options = {"seconds": [4, 6, 8], "seed": "", "fields": {"audio": False}, "ratios": ["16:9", "9:16"]}
    sent = adapter(**options, resolutions={"hd_720p": "720p"}).submit(order()).json
    assert (sent["duration"], sent["ratio"], sent["resolution"], sent["audio"]) == (6, "16:9", "720p", False)
    assert "seed" not in sent


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({"width": 720, "height": 1280}, "720:1280"),
        ({"width": 960, "height": 720}, "1104:832"),  # 4:3
        ({"width": 1920, "height": 1080}, "1280:720"),
        ({"width": 720, "height": 720}, "720:720"),  # the provider is to say that it can't
        ({"width": 1000, "height": 900, "image": b"a picture"}, "1104:832"),
    ],
)
def test_the_ratio_is_the_nearest_the_model_takes(changes, ratio):
    able = ["1280:720", "720:1280", "1104:832"]
    assert adapter(ratios=able).submit(order(**changes)).json["ratio"] == ratio


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "PENDING"}, Working(step=IN_QUEUE, is_waiting=True)),
        ({"status": "THROTTLED"}, Working(step="Waiting for its turn at the provider", is_waiting=True)),
        ({"status": "RUNNING", "progress": 0.25}, Working(share=0.25)),
        ({"status": "DREAMING", "progress": "half"}, Working(strange="DREAMING")),
    ],
)
def test_a_task_on_its_way(body, said):
    assert outcome(**body, estimatedCost={"credits": 60}) == said


def test_a_success_is_fetched_without_the_key_and_tells_its_cost():
    said = outcome(
        status="SUCCEEDED", output=["https://files.example.org/a.mp4?_jwt=x"], cost={"credits": 60}
    )
    assert isinstance(said, Made)
    assert (said.video.url, said.video.headers) == ("https://files.example.org/a.mp4?_jwt=x", {})
    assert said.cost == Cost(micros=600_000)


@pytest.mark.parametrize("output", [None, [], [None], "a.mp4"])
def test_a_success_without_a_video_is_none(output):
    said = outcome(status="SUCCEEDED", output=output, cost={"credits": 60})
    assert (said.code, said.cost) == (FailureCode.PROVIDER_UNAVAILABLE, Cost(micros=600_000))


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("SAFETY.INPUT.TEXT", FailureCode.CONTENT_REJECTED),
        ("SAFETY.OUTPUT.VIDEO", FailureCode.CONTENT_REJECTED),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", FailureCode.CONTENT_REJECTED),
        ("INTERNAL.BAD_OUTPUT.CODE01", FailureCode.PROVIDER_UNAVAILABLE),
        ("INTERNAL", FailureCode.PROVIDER_UNAVAILABLE),
        ("ASSET.INVALID", FailureCode.INVALID_IMAGE),
        (None, FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_failure_means_what_its_code_says(code, meaning):
    said = outcome(status="FAILED", failure="It failed.", failureCode=code, cost={"credits": 0})
    assert isinstance(said, NotMade)
    assert (said.code, said.cost) == (meaning, Cost(micros=0))
    assert "It failed." in said.detail


def test_a_cancelled_task_is_not_made():
    said = outcome(status="CANCELLED", cost={"credits": 0})
    assert (said.code, said.is_cancelled) == (FailureCode.PROVIDER_UNAVAILABLE, True)
    assert not outcome(status="FAILED", failure="It failed.").is_cancelled


def test_cancel_is_the_deletion_of_the_task():
    request = adapter().cancel(handle())
    assert (request.method, request.url, request.headers) == ("DELETE", f"{HOME}/v1/tasks/one", HEADERS)


def test_a_refusal_keeps_the_issues_for_staff():
    issues = [{"path": ["ratio"], "message": "Invalid enum value."}]
    why = adapter().refused(reply({"error": "Validation of body failed", "issues": issues}, 400))
    assert why.code == FailureCode.PROVIDER_REJECTED
    assert why.detail == "HTTP 400: Validation of body failed Invalid enum value."


def test_no_credits_come_as_a_400_and_are_our_matter():
    why = adapter().refused(reply({"error": "You do not have enough credits to run this task."}, 400))
    assert (why.code, why.again, why.is_outage) == (FailureCode.PROVIDER_UNAVAILABLE, True, True)


@pytest.mark.parametrize("body", [None, {}, {"status": None}, ["RUNNING"]])
def test_an_answer_without_a_status_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().outcome(handle(), reply(body))


def test_a_quoted_prompt_does_not_make_it_our_matter():
    why = adapter().refused(reply({"error": "The prompt 'insufficient credits' is too short."}, 400))
    assert (why.code, why.is_outage) == (FailureCode.PROVIDER_REJECTED, False)
