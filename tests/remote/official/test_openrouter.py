"""OpenRouter's stand-in by the schemas of its OpenAPI document (no client of its own is installed here)."""

import time

import httpx2
import jsonschema
import pytest

from jobs.providers.openrouter import OpenRouter
from tests.remote.adapters.saying import order, route
from tests.remote.stand_ins import works
from tests.remote.stand_ins.openrouter import ERROR, REQUEST, RESPONSE, OpenRouterStandIn

# The document's own example.
EXAMPLE = {
    "model": "google/veo-3.1",
    "prompt": "A serene mountain landscape at sunset",
    "aspect_ratio": "16:9",
    "duration": 8,
    "resolution": "720p",
}


@pytest.fixture
def server():
    with OpenRouterStandIn(takes=0.1) as one:
        yield one


@pytest.fixture
def http(server):
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx2.Client(base_url=server.origin, headers=headers, trust_env=False) as one:
        yield one


def submit(http, prompt="A quiet sea", **fields):
    return http.post("/api/v1/videos", json={**EXAMPLE, "prompt": prompt, **fields})


def conforms(schema, answer):
    jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)
    return answer.json()


def until_ended(http, submitted):
    place = conforms(RESPONSE, submitted)["polling_url"]
    while (job := conforms(RESPONSE, http.get(place)))["status"] in {"pending", "in_progress"}:
        time.sleep(0.02)
    return job


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {}),
        ({"image": b"a picture", "aspect_ratio": "17:9"}, {}),
        ({"portrait": b"a face", "resolution": "4k_2160p"}, {"size": True}),
        ({"aspect_ratio": "9:21"}, {"omit": ["seed"], "fields": {"generate_audio": False}}),
    ],
)
def test_what_we_send_is_what_is_documented(changes, options):
    far = route("https://openrouter.ai/api/v1", "google/veo-3.1", **options)
    request = OpenRouter(far).submit(order(**changes))
    jsonschema.validate(request.json, REQUEST, jsonschema.Draft202012Validator)


def test_a_video_is_made_and_fetched(http):
    submitted = submit(http)
    assert (submitted.status_code, submitted.json()["status"]) == (202, "pending")
    job = until_ended(http, submitted)
    assert job["status"] == "completed"
    assert job["usage"] == {"cost": pytest.approx(0.4), "is_byok": False}
    assert http.get(job["unsigned_urls"][0]).content == works.video(8.0)


def test_a_file_is_only_given_with_the_key(http, server):
    job = until_ended(http, submit(http))
    answer = httpx2.get(job["unsigned_urls"][0], trust_env=False)
    assert (answer.status_code, conforms(ERROR, answer)["error"]["code"]) == (401, 401)


@pytest.mark.parametrize(
    ("word", "status", "error"),
    [
        ("fail", "failed", "The provider returned an error"),
        ("flag", "failed", "Content policy violation"),
        ("empty", "completed", None),
    ],
)
def test_endings_without_a_video(word, status, error, http):
    job = until_ended(http, submit(http, f"A quiet sea [{word}]"))
    assert (job["status"], job.get("error"), job.get("unsigned_urls") or []) == (status, error, [])


@pytest.mark.parametrize(
    ("word", "status"), [("refuse", 400), ("moderate", 403), ("busy", 429), ("broken", 500)]
)
def test_a_refused_submit(word, status, http):
    answer = submit(http, f"A quiet sea [{word}]")
    assert (answer.status_code, conforms(ERROR, answer)["error"]["code"]) == (status, status)
    assert ("retry-after" in answer.headers) == (status == 429)


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": "8"},
        {"resolution": "720"},
        {"aspect_ratio": "17:9"},
        {"seconds": "8"},
        {"prompt": ""},
        {"frame_images": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
        {"frame_images": {"first_frame": "https://example.com/a.png"}},
    ],
)
def test_a_wrong_request_is_refused(fields, http, server):
    answer = submit(http, **fields)
    assert (answer.status_code, conforms(ERROR, answer)["error"]["code"]) == (400, 400)
    assert not server.works


def test_what_is_not_there_is_not_found(http):
    for place in ("/api/v1/videos/nothing", "/api/v1/videos/nothing/content"):
        assert conforms(ERROR, http.get(place))["error"]["code"] == 404
