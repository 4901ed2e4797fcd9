"""What Replicate's documented answers mean."""

import datetime

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.remote import Cost, Handle, Made, NotMade, Unreadable, Working
from jobs.providers.replicate import Replicate
from tests.remote.adapters.saying import KEY, order, reply, route

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
ROOT = "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu"
URLS = {"get": ROOT, "cancel": f"{ROOT}/cancel", "web": "https://replicate.com/p/gm3qorzdhgbfurvjtvhg6dckhu"}
HANDLE = Handle(key=KEY, remote_id="gm3qorzdhgbfurvjtvhg6dckhu", urls=URLS)
VIDEO = "https://replicate.delivery/xezq/abc/output.mp4"


def adapter(model="bytedance/seedance-1-pro", **options):
    return Replicate(route("https://api.replicate.com/v1", model, **options))


def prediction(status, **more):
    known = {"id": "gm3qorzdhgbfurvjtvhg6dckhu", "input": {}, "output": None, "error": None, "urls": URLS}
    return reply({**known, "data_removed": False, "logs": "", "status": status, **more})


def outcome(status, options=None, **more):
    return adapter(**(options or {})).outcome(HANDLE, prediction(status, **more))


def test_a_submit_has_our_order_in_the_models_words():
    request = adapter().submit(order())
    assert request.url == "https://api.replicate.com/v1/models/bytedance/seedance-1-pro/predictions"
    assert request.headers == {"Authorization": "Bearer a-secret-key"}
    assert request.json == {
        "input": {
            "prompt": "A quiet sea",
            "duration": 5,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "seed": 7,
            "client_reference": str(KEY),
        }
    }


def test_an_entry_names_the_input():
    names = {"image": "first_frame_image", "seed": "", "duration": "seconds", "portrait": "subject_reference"}
    one = adapter(names=names, fields={"fps": 24}, resolutions={"hd_720p": "768P"}, mark="")
    request = one.submit(order(image=b"one", portrait=b"two"))
    assert request.json["input"] == {
        "prompt": "A quiet sea",
        "first_frame_image": "data:image/jpeg;base64,b25l",
        "subject_reference": "data:image/jpeg;base64,dHdv",
        "seconds": 5,
        "resolution": "768P",
        "fps": 24,
    }


@pytest.mark.parametrize("model", [VERSION, f"somebody/waves:{VERSION}"])
def test_a_version_is_named_in_the_body(model):
    request = adapter(model).submit(order())
    assert request.url == "https://api.replicate.com/v1/predictions"
    assert request.json["version"] == VERSION


def test_a_deployment_has_its_own_address():
    request = adapter(deployment="acme/seas", cancel_after="20m").submit(order())
    assert request.url == "https://api.replicate.com/v1/deployments/acme/seas/predictions"
    assert request.headers["Cancel-After"] == "20m"


def test_what_was_taken_is_asked_for_where_it_says():
    taken = adapter().taken(prediction("starting"))
    assert taken.remote_id == "gm3qorzdhgbfurvjtvhg6dckhu"
    assert taken.urls == {"get": ROOT, "cancel": f"{ROOT}/cancel"}
    assert adapter().poll(HANDLE).url == ROOT
    cancel = adapter().cancel(HANDLE)
    assert (cancel.method, cancel.url) == ("POST", f"{ROOT}/cancel")
    assert adapter().cancel(Handle(key=KEY, remote_id="a", urls={"get": ROOT})) is None


@pytest.mark.parametrize("body", [None, {"id": "a"}, {"id": "a", "urls": "b"}, {"urls": URLS}, []])
def test_an_answer_that_says_nothing_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().taken(reply(body, 201))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("starting", Working(step="Waiting for a machine of the provider", is_waiting=True)),
        ("processing", Working()),
        ("warming", Working(strange="warming")),
    ],
)
def test_on_its_way(status, said):
    assert outcome(status) == said


def test_progress_is_that_of_the_log_where_the_entry_trusts_it():
    logs = "Using seed: 7\n  0%|          | 0/20\r 45%|####5     | 9/20 [00:03<00:03,  2.10it/s]\n"
    assert outcome("processing", logs=logs).share is None
    assert outcome("processing", {"progress": True}, logs=logs).share == 0.45
    assert outcome("processing", {"progress": True}, logs="Loading").share is None


@pytest.mark.parametrize("output", [VIDEO, [VIDEO], {"video": VIDEO, "poster": "https://a.b/c.jpg"}])
def test_the_video_is_where_the_output_says(output):
    made = outcome("succeeded", output=output, metrics={"predict_time": 12.5})
    assert isinstance(made, Made)
    assert (made.video.url, made.cost) == (VIDEO, None)


def test_another_named_output_may_be_the_video():
    assert outcome("succeeded", {"output": "mp4"}, output={"mp4": VIDEO}).video.url == VIDEO


def test_time_has_a_price_where_the_entry_tells_it():
    priced = {"per_predict_second": 0.0014}
    made = outcome("succeeded", priced, output=VIDEO, metrics={"predict_time": 12.5})
    assert made.cost == Cost(micros=17500)
    failed = outcome("failed", priced, error="CUDA error", metrics={"predict_time": 2.0})
    assert failed.cost == Cost(micros=2800)
    assert outcome("succeeded", priced, output=VIDEO).cost is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "None"),
        ({"output": []}, "[]"),
        ({"output": {"poster": "https://a.b/c.jpg"}}, "poster"),
        ({"data_removed": True}, "removed"),
    ],
)
def test_success_without_a_video_is_a_failure(more, why):
    found = outcome("succeeded", **more)
    assert isinstance(found, NotMade)
    assert found.code == FailureCode.PROVIDER_UNAVAILABLE
    assert why in found.detail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
            FailureCode.CONTENT_REJECTED,
        ),
        ("Prediction failed. (E005) (uIJ6l3ruRD)", FailureCode.CONTENT_REJECTED),
        ("NSFW content detected. Try running it again.", FailureCode.CONTENT_REJECTED),
        ("E6716: Timeout starting prediction", FailureCode.PROVIDER_TIMEOUT),
        ("Prediction interrupted; please retry (code: PA)", FailureCode.PROVIDER_UNAVAILABLE),
        ("CUDA out of memory. (E1001)", FailureCode.PROVIDER_UNAVAILABLE),
        (None, FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_failure_means_what_its_error_says(error, code):
    found = outcome("failed", error=error)
    assert isinstance(found, NotMade)
    assert found.code == code


def test_cancelled_and_past_its_deadline():
    assert outcome("canceled").code == FailureCode.PROVIDER_UNAVAILABLE
    assert outcome("canceled", deadline="2026-11-01T00:00:00Z").code == FailureCode.PROVIDER_TIMEOUT
    aborted = outcome("aborted", deadline="2026-11-01T00:00:00Z")
    assert (aborted.code, aborted.cost) == (FailureCode.PROVIDER_TIMEOUT, Cost(micros=0))
    assert outcome("canceled").is_cancelled
    assert aborted.is_cancelled
    assert not outcome("failed", error="It is so.").is_cancelled


@pytest.mark.parametrize(
    ("status", "body", "code", "again", "pause", "is_outage"),
    [
        (
            401,
            {"title": "Unauthenticated", "detail": "No valid token"},
            "provider_unavailable",
            True,
            None,
            True,
        ),
        (402, {"title": "Insufficient credit", "detail": "Pay"}, "provider_unavailable", True, None, True),
        (404, {"detail": "Could not be found.", "status": 404}, "provider_unavailable", False, None, False),
        (
            422,
            {"title": "Input validation failed", "detail": "- input.seed: Invalid type."},
            "provider_rejected",
            False,
            None,
            False,
        ),
        (
            429,
            {"detail": "Request was throttled. Your rate limit resets in ~30s."},
            "provider_unavailable",
            True,
            30.0,
            False,
        ),
    ],
)
def test_a_refusal(status, body, code, again, pause, is_outage):
    why = adapter().refused(reply(body, status))
    assert (why.code, why.again, why.pause, why.is_outage) == (code, again, pause, is_outage)


def test_a_header_says_when_better_than_the_words_do():
    body = {"detail": "Request was throttled. Your rate limit resets in ~30s."}
    assert adapter().refused(reply(body, 429, **{"retry-after": "7"})).pause == 7.0


def test_a_lost_submit_is_found_by_our_key_in_its_input():
    request = adapter().find(HANDLE)
    assert (request.method, request.url) == ("GET", "https://api.replicate.com/v1/predictions")
    results = [
        {"id": "one", "input": {"prompt": "A quiet sea"}, "urls": URLS},
        {"id": "two", "input": None, "urls": URLS},
        {"id": "three", "input": {"prompt": "A quiet sea", "client_reference": str(KEY)}, "urls": URLS},
    ]
    assert adapter().found(HANDLE, reply({"next": None, "results": results})).remote_id == "three"
    assert adapter().found(HANDLE, reply({"next": None, "results": results[:2]})) is None


def test_the_next_page_is_where_this_one_says():
    results = [{"id": "one", "created_at": "2026-11-01T10:00:00.123456Z"}]
    page = {"next": "https://api.replicate.com/v1/predictions?cursor=a", "results": results}
    found = adapter().found(HANDLE, reply(page))
    assert (found.request.url, found.request.headers) == (page["next"], adapter().find(HANDLE).headers)
    assert found.oldest == datetime.datetime(2026, 11, 1, 10, 0, 0, 123456, datetime.UTC)
    for end in ({"next": None}, {"next": 7}, {"results": []}):
        assert adapter().found(HANDLE, reply({**page, **end})) is None
    for body in ({}, {"results": None}, []):
        with pytest.raises(Unreadable):
            adapter().found(HANDLE, reply(body))


def test_a_lost_submit_without_a_mark_is_not_guessed_at():
    assert adapter(mark="").find(HANDLE) is None
