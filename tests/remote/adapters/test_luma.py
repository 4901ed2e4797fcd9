"""What Luma's adapter sends, and how it reads the documented answers."""

import datetime

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.luma import Luma
from jobs.providers.remote import IN_QUEUE, Made, Taken, Unreadable, Working
from tests.remote.adapters.saying import KEY, handle, order, reply, route

UTC = datetime.UTC
HOME = "https://api.lumalabs.ai/dream-machine/v1"
HEARD = "https://videos.example.org/heard/{key}"
OURS = HEARD.replace("{key}", str(KEY))


def adapter(**options):
    return Luma(route(HOME, "ray-2", **options))


def outcome(**body):
    return adapter().outcome(handle(), reply({"id": "one", **body}))


def listed(*addresses):
    requests = [{"prompt": "A quiet sea", "callback_url": address} for address in addresses]
    return reply({"generations": [{"id": str(at), "request": it} for at, it in enumerate(requests)]})


def test_an_order_goes_in_lumas_own_words():
    request = adapter(fields={"loop": True}).submit(order())
    assert (request.method, request.url) == ("POST", f"{HOME}/generations/video")
    assert request.headers["Authorization"] == "Bearer a-secret-key"
    assert request.json == {
        "model": "ray-2",
        "prompt": "A quiet sea",
        "aspect_ratio": "16:9",
        "duration": "5s",
        "resolution": "720p",
        "loop": True,
    }


def test_the_nearest_length_is_asked_for():
    assert adapter().submit(order(duration_seconds=10)).json["duration"] == "9s"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("queued", Working(step=IN_QUEUE, is_waiting=True)),
        ("dreaming", Working()),
        ("waking", Working(strange="waking")),
    ],
)
def test_any_other_word_means_it_goes_on(state, said):
    assert outcome(state=state, assets=None) == said


def test_a_finished_one_is_fetched_without_the_key():
    said = outcome(state="completed", assets={"video": "https://storage.example.org/a.mp4"})
    assert isinstance(said, Made)
    assert (said.video.url, said.video.headers) == ("https://storage.example.org/a.mp4", {})


@pytest.mark.parametrize("assets", [None, {}, {"video": None}, {"image": "a.jpg"}, []])
def test_a_finished_one_without_a_video_is_none(assets):
    assert outcome(state="completed", assets=assets).code == FailureCode.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Contains blacklisted words", FailureCode.CONTENT_REJECTED),
        ("Frame moderation failed", FailureCode.CONTENT_REJECTED),
        ("Advanced prompt moderation failed", FailureCode.CONTENT_REJECTED),
        ("Prompt processing failed", FailureCode.PROVIDER_UNAVAILABLE),
        (None, FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_failure_means_what_its_reason_says(reason, code):
    said = outcome(state="failed", failure_reason=reason)
    assert said.code == code
    assert said.detail == (reason or "It gave no reason.")


def test_a_lost_submit_is_found_by_the_address_it_was_to_call():
    one = adapter(callback=HEARD)
    assert one.submit(order()).json["callback_url"] == OURS
    request = one.find(handle())
    assert (request.method, request.url) == ("GET", f"{HOME}/generations?limit=100&offset=0")
    assert one.found(handle(), listed("https://other.example.org/", None, OURS)) == Taken(remote_id="2")
    assert one.found(handle(), listed("https://other.example.org/", None)) is None


@pytest.mark.parametrize("options", [{}, {"callback": "https://videos.example.org/heard"}])
def test_without_such_an_address_nothing_is_looked_for(options):
    assert "callback_url" not in adapter(**options).submit(order()).json
    assert adapter(**options).find(handle()) is None


@pytest.mark.parametrize("known", [["one"], [{"id": "one"}], [{"id": "one", "request": None}]])
def test_a_list_of_something_else_finds_nothing(known):
    assert adapter(callback=HEARD).found(handle(), reply({"generations": known})) is None


@pytest.mark.parametrize("body", [{"generations": "none"}, {"generations": 3}, {}, []])
def test_what_is_no_list_says_nothing(body):
    with pytest.raises(Unreadable):
        adapter(callback=HEARD).found(handle(), reply(body))


@pytest.mark.parametrize(
    ("last", "oldest"),
    [
        ({"created_at": "2026-11-01T10:00:00.5Z"}, datetime.datetime(2026, 11, 1, 10, 0, 0, 500_000, UTC)),
        ({"created_at": "2026-11-01T10:00:00"}, datetime.datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ({"created_at": "yesterday"}, None),
        ({}, None),
        ("one", None),
    ],
)
def test_the_next_page_begins_where_this_one_ends(last, oldest):
    page = {"generations": [{"id": "one"}, last], "offset": 200, "has_more": True}
    found = adapter(callback=HEARD).found(handle(), reply(page))
    assert (found.request.method, found.request.url) == ("GET", f"{HOME}/generations?limit=100&offset=202")
    assert (found.request.headers["Authorization"], found.oldest) == ("Bearer a-secret-key", oldest)
    for end in ({"has_more": False}, {"generations": []}, {"offset": None}):
        assert adapter(callback=HEARD).found(handle(), reply({**page, **end})) is None


def test_refusals():
    def why(status, detail):
        return adapter().refused(reply({"detail": detail}, status))

    assert (
        why(400, "Prompt is too short, minimum length is 3 characters").code == FailureCode.PROVIDER_REJECTED
    )
    assert why(400, "Insufficient credits").is_outage
    assert why(401, "Invalid API key provided").is_outage
    assert why(429, "Too many requests").again


@pytest.mark.parametrize("body", [None, {}, {"state": None}])
def test_an_answer_without_a_state_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().outcome(handle(), reply(body))
