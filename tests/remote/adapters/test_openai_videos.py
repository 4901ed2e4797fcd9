"""What the `/v1/videos` adapter sends, and how it reads what servers of that shape say."""

import pytest

from jobs.providers.base import FailureCode
from jobs.providers.openai_videos import OpenAIVideos
from jobs.providers.remote import IN_QUEUE, Made, NotMade, Unreadable, Working
from tests.remote.adapters.saying import KEY, handle, order, reply, route

AUTH = {"Authorization": "Bearer a-secret-key"}


def adapter(**options):
    return OpenAIVideos(route("https://models.example.org/v1", "wan", **options))


def outcome(body, **headers):
    return adapter().outcome(handle(), reply({"id": "one", **body}, **headers))


def test_a_text_goes_as_json_with_our_key():
    request = adapter().submit(order())
    assert (request.method, request.url) == ("POST", "https://models.example.org/v1/videos")
    assert request.headers == {**AUTH, "Idempotency-Key": str(KEY), "x-litellm-num-retries": "0"}
    assert request.json == {
        "model": "wan",
        "prompt": "A quiet sea",
        "seconds": "5",
        "size": "1280x720",
        "seed": 7,
    }


def test_a_picture_goes_as_a_form():
    request = adapter(fields={"fps": 24}).submit(order(image=b"a picture"))
    assert request.json is None
    assert (request.fields["seed"], request.fields["fps"]) == ("7", "24")
    assert request.files["input_reference"].content == b"a picture"


def test_a_form_may_be_asked_for_and_the_seed_left_out():
    request = adapter(form=True, seed="").submit(order())
    assert (request.json, request.files) == (None, {})
    assert "seed" not in request.fields


def test_a_fixed_camera_is_sent_where_the_option_names_its_field():
    named = adapter(camera_fixed="fixed_lens")
    assert named.submit(order(camera_fixed=True)).json["fixed_lens"] is True
    assert named.submit(order(camera_fixed=True, image=b"a picture")).fields["fixed_lens"] == "true"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("queued", Working(step=IN_QUEUE, is_waiting=True)),
        ("in_progress", Working()),
        ("processing", Working()),
        ("preparing", Working(strange="preparing")),
    ],
)
def test_any_other_word_means_it_goes_on(status, said):
    assert outcome({"status": status, "progress": 0}) == said


def test_progress_is_in_per_cent_and_the_next_poll_as_the_server_likes():
    said = outcome({"status": "in_progress", "progress": 40}, **{"openai-poll-after-ms": "2500"})
    assert said == Working(share=0.4, poll_after=2.5)


def test_a_finished_one_is_fetched_with_the_key():
    said = outcome({"status": "completed", "progress": 100})
    assert isinstance(said, Made)
    assert (said.video.url, said.video.headers) == ("https://models.example.org/v1/videos/one/content", AUTH)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "moderation_blocked", "message": "Blocked."}, FailureCode.CONTENT_REJECTED),
        ({"code": "content_policy_violation", "message": "No."}, FailureCode.CONTENT_REJECTED),
        ({"code": "video_generation_failed", "message": "Out of memory."}, FailureCode.PROVIDER_UNAVAILABLE),
        ({"code": "timeout", "message": "It timed out."}, FailureCode.PROVIDER_TIMEOUT),
        ({"code": "invalid_request", "message": "The size."}, FailureCode.PROVIDER_REJECTED),
        ("It broke.", FailureCode.PROVIDER_UNAVAILABLE),
        (None, FailureCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_failure_means_what_its_code_says(error, code):
    said = outcome({"status": "failed", "error": error})
    assert isinstance(said, NotMade)
    assert said.code == code
    assert said.detail


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_what_ended_otherwise_is_not_made(status):
    assert outcome({"status": status}).code == FailureCode.PROVIDER_UNAVAILABLE
    for error in (None, {"code": "ended", "message": "It is so."}):
        assert outcome({"status": status, "error": error}).is_cancelled == (status == "cancelled")


@pytest.mark.parametrize("body", [None, [], {}, {"id": "one"}, {"status": 3}])
def test_an_answer_without_a_status_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().outcome(handle(), reply(body))


@pytest.mark.parametrize("body", [None, {}, {"id": None}, {"id": 7}])
def test_a_submit_answered_without_an_id_is_unreadable(body):
    with pytest.raises(Unreadable):
        adapter().taken(reply(body))


def test_a_refusal_tells_moderation_from_a_wrong_value_and_both_from_our_account():
    def why(status, code):
        return adapter().refused(reply({"error": {"code": code, "message": "It is so."}}, status))

    assert why(400, "moderation_blocked").code == FailureCode.CONTENT_REJECTED
    assert why(400, "invalid_value").code == FailureCode.PROVIDER_REJECTED
    assert (why(401, "invalid_api_key").again, why(401, "invalid_api_key").is_outage) == (True, True)
    assert (why(429, "rate_limit_exceeded").again, why(429, "rate_limit_exceeded").is_outage) == (True, False)


def test_a_wrong_key_at_a_gateway_without_a_database_is_an_outage_and_nobodys_fault():
    error = {"message": "No connected db.", "type": "no_db_connection", "param": None, "code": "400"}
    said = adapter().refused(reply({"error": error}, 400))
    assert (said.code, said.again, said.is_outage) == (FailureCode.PROVIDER_UNAVAILABLE, True, True)
    quoted = {"error": {"type": "invalid_request_error", "message": "No 'no_db_connection', please."}}
    assert not adapter().refused(reply(quoted, 400)).is_outage


def test_a_gateway_passes_on_how_long_its_provider_wants_to_be_left_alone():
    busy = reply({"error": {"message": "Slow down."}}, 429, **{"llm_provider-retry-after": "7"})
    assert adapter().refused(busy).pause == 7.0


def test_cancel_is_asked_for_only_where_the_entry_says_there_is_one():
    assert (adapter().cancels, adapter().cancel(handle())) == (False, None)
    assert adapter(cancel=True).cancels
    request = adapter(cancel=True).cancel(handle())
    assert (request.method, request.url) == ("POST", "https://models.example.org/v1/videos/one/cancel")
