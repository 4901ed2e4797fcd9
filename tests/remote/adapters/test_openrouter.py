"""What OpenRouter's documented answers mean."""

import base64

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.openrouter import OpenRouter
from jobs.providers.remote import IN_QUEUE, Cost, Handle, Made, NotMade, Unreadable, Working
from tests.remote.adapters.saying import KEY, order, reply, route

POLL = "https://openrouter.ai/api/v1/videos/abc123"
CONTENT = f"{POLL}/content?index=0"
HANDLE = Handle(key=KEY, remote_id="abc123", urls={"poll": POLL})
BEARER = {"Authorization": "Bearer a-secret-key"}


def adapter(**options):
    return OpenRouter(route("https://openrouter.ai/api/v1", "google/veo-3.1", **options))


def outcome(status, **fields):
    return adapter().outcome(HANDLE, reply({"id": "abc123", "polling_url": POLL, "status": status, **fields}))


def test_a_submit_has_the_documented_fields():
    request = adapter().submit(order())
    assert (request.method, request.url) == ("POST", "https://openrouter.ai/api/v1/videos")
    assert request.headers == BEARER
    assert request.json == {
        "model": "google/veo-3.1",
        "prompt": "A quiet sea",
        "duration": 5,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "seed": 7,
    }


def test_a_first_frame_and_a_portrait_are_sent_as_data():
    request = adapter().submit(order(image=b"a picture", portrait=b"a face", aspect_ratio="17:9"))

    def shown(content):
        url = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
        return {"type": "image_url", "image_url": {"url": url}}

    assert request.json["frame_images"] == [{**shown(b"a picture"), "frame_type": "first_frame"}]
    assert request.json["input_references"] == [shown(b"a face")]
    assert "aspect_ratio" not in request.json  # it would be refused, and follows from the picture


def test_an_entry_says_what_its_model_takes():
    one = adapter(size=True, omit=["seed"], fields={"generate_audio": False})
    fields = one.submit(order(resolution="4k_2160p")).json
    assert fields["size"] == "1280x720"
    assert fields["generate_audio"] is False
    assert not {"seed", "resolution", "aspect_ratio"} & set(fields)
    assert adapter().submit(order(resolution="4k_2160p")).json["resolution"] == "4K"


@pytest.mark.parametrize("place", ["/api/v1/videos/abc123", POLL])
def test_the_address_it_gives_is_polled_relative_or_not(place):
    taken = adapter().taken(reply({"id": "abc123", "polling_url": place, "status": "pending"}, 202))
    assert (taken.remote_id, taken.urls) == ("abc123", {"poll": POLL})
    request = adapter().poll(HANDLE)
    assert (request.url, request.headers) == (POLL, BEARER)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", Working(step=IN_QUEUE, is_waiting=True)),
        ("in_progress", Working()),
        ("reviewing", Working(strange="reviewing")),
    ],
)
def test_a_job_on_its_way(status, said):
    assert outcome(status) == said


def test_a_finished_job_has_its_cost_and_is_fetched_with_the_key():
    made = outcome("completed", unsigned_urls=[CONTENT], usage={"cost": 0.25, "is_byok": False})
    assert isinstance(made, Made)
    assert (made.video.url, made.video.headers) == (CONTENT, BEARER)
    assert made.cost == Cost(micros=250_000, currency="USD")


def test_the_key_goes_nowhere_else():
    made = outcome("completed", unsigned_urls=["https://storage.example.org/a.mp4"])
    assert (made.video.url, made.video.headers) == ("https://storage.example.org/a.mp4", {})
    assert outcome("completed", urls=["https://storage.example.org/b.mp4"]).video.url.endswith("b.mp4")


@pytest.mark.parametrize("usage", [None, {"cost": None}, {"cost": 0.01, "is_byok": True}])
def test_a_cost_that_is_not_all_of_it_is_none(usage):
    assert outcome("completed", unsigned_urls=[CONTENT], usage=usage).cost is None


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [
        ("completed", {"unsigned_urls": []}, FailureCode.PROVIDER_UNAVAILABLE),
        ("failed", {"error": "The provider returned an error"}, FailureCode.PROVIDER_UNAVAILABLE),
        ("failed", {}, FailureCode.PROVIDER_UNAVAILABLE),
        ("failed", {"error": "Content policy violation"}, FailureCode.CONTENT_REJECTED),
        (
            "failed",
            {"error": {"code": 403, "message": "No", "metadata": {"error_type": "content_policy_violation"}}},
            FailureCode.CONTENT_REJECTED,
        ),
        ("cancelled", {"error": "Job was cancelled"}, FailureCode.PROVIDER_UNAVAILABLE),
        ("expired", {"error": "Job exceeded maximum time to live"}, FailureCode.PROVIDER_TIMEOUT),
    ],
)
def test_endings_without_a_video(status, fields, code):
    why = outcome(status, **fields)
    assert isinstance(why, NotMade)
    assert why.code == code


def test_a_failure_that_was_billed_tells_its_cost():
    assert outcome("failed", error="No", usage={"cost": 0.1}).cost == Cost(micros=100_000)


def test_an_error_in_a_200_is_no_status():
    with pytest.raises(Unreadable):
        adapter().outcome(HANDLE, reply({"error": {"code": 502, "message": "Bad gateway"}}))


def refused(status, message, **metadata):
    error = {"code": status, "message": message, **({"metadata": metadata} if metadata else {})}
    return adapter().refused(reply({"error": error}, status, **{"retry-after": "60"}))


@pytest.mark.parametrize(
    ("status", "message", "metadata", "code", "again"),
    [
        (400, "Invalid request parameters", {}, FailureCode.PROVIDER_REJECTED, False),
        (401, "Missing Authentication header", {}, FailureCode.PROVIDER_UNAVAILABLE, True),
        (402, "Insufficient credits.", {}, FailureCode.PROVIDER_UNAVAILABLE, True),
        (403, "No", {"error_type": "permission_denied"}, FailureCode.PROVIDER_UNAVAILABLE, True),
        (403, "No", {"reasons": ["violence"], "flagged_input": "..."}, FailureCode.CONTENT_REJECTED, False),
        (403, "Request blocked", {"patterns": ["ignore all"]}, FailureCode.CONTENT_REJECTED, False),
        (404, "Resource not found", {}, FailureCode.PROVIDER_UNAVAILABLE, False),
        (413, "Too large", {}, FailureCode.PROVIDER_REJECTED, False),
        (429, "Rate limit exceeded", {}, FailureCode.PROVIDER_UNAVAILABLE, True),
    ],
)
def test_refusals(status, message, metadata, code, again):
    why = refused(status, message, **metadata)
    assert (why.code, why.again) == (code, again)
    assert why.is_outage == (again and status != 429)
    assert why.pause == (60.0 if status == 429 else None)


def test_a_refusal_that_is_no_json_is_read_too():
    assert adapter().refused(reply(None, 400)).code == FailureCode.PROVIDER_REJECTED
