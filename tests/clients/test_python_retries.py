"""The Python client: what is sent again, what never is, and what nobody gets to see. Sync and async alike."""

import asyncio
import email.utils
import json
import time
import traceback

import pytest

import videoapi_client as api
from tests.clients.stub import DROP, RECEIPT, Reply, answer, in_turn, problem, stub

TOKEN = "vg_live_that_nobody_may_see"


def call_sync(url, function, **options):
    with api.VideoClient(url, options.pop("token", TOKEN), **options) as client:
        return function(client)


def call_async(url, function, **options):
    async def run():
        async with api.AsyncVideoClient(url, options.pop("token", TOKEN), **options) as client:
            return await function(client)

    return asyncio.run(run())


@pytest.fixture(params=[call_sync, call_async], ids=["sync", "async"])
def call(request):
    """Make a client of either kind and call the function with it."""
    return request.param


def generate(client):
    return client.videos.generate("A red fox")


def test_a_submit_whose_reply_was_lost_is_sent_again_with_the_same_key(call):
    with stub(in_turn(DROP, answer(202, RECEIPT))) as server:
        assert call(server.url, generate).id == RECEIPT["job_id"]
    first, second = server.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_a_reply_that_breaks_off_half_way_is_one_that_was_lost(call):
    half = Reply(202, (b'{"job_',), {"Content-Length": "1000"})
    with stub(in_turn(half, answer(202, RECEIPT))) as server:
        call(server.url, generate)
    assert len(server.asked) == 2


def test_an_uploaded_picture_is_sent_again_whole(call, tmp_path):
    path = tmp_path / "fox.png"
    path.write_bytes(b"a picture of 9001 bytes")
    with stub(in_turn(DROP, answer(202, RECEIPT))) as server:
        call(server.url, lambda client: client.videos.animate(path, "Zoom in", seed=7, metadata={"a": 1}))
    assert len(server.asked) == 2
    for asked in server.asked:
        assert b'name="image"; filename="fox.png"' in asked.body
        assert b"a picture of 9001 bytes" in asked.body
        assert b'name="seed"\r\n\r\n7\r\n' in asked.body
        assert b'name="metadata"\r\n\r\n{"a": 1}\r\n' in asked.body


def test_a_picture_may_be_an_address_but_not_a_file_by_name(call):
    with stub(in_turn(answer(202, RECEIPT))) as server:
        call(server.url, lambda client: client.videos.animate("https://example.com/fox.png", "Zoom in"))
        with pytest.raises(ValueError, match="address"):
            call(server.url, lambda client: client.videos.animate("fox.png", "Zoom in"))
    assert [json.loads(asked.body)["image_url"] for asked in server.asked] == ["https://example.com/fox.png"]


def test_two_submits_have_two_keys_and_the_callers_own_is_used_as_it_is(call):
    with stub(in_turn(answer(202, RECEIPT))) as server:
        call(server.url, generate)
        call(server.url, generate)
        call(server.url, lambda client: client.videos.generate("A red fox", idempotency_key="order-17"))
    keys = [asked.headers["idempotency-key"] for asked in server.asked]
    assert len(set(keys)) == 3
    assert keys[2] == "order-17"


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (503, "unavailable"), (409, "idempotency_in_progress")]
)
def test_what_passes_by_itself_is_tried_again_not_before_retry_after(call, status, code):
    with stub(in_turn(problem(status, code, Retry_After="1"), answer(202, RECEIPT))) as server:
        call(server.url, generate)
    first, second = server.asked
    assert second.at - first.at >= 1
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_a_proxys_own_502_and_504_are_tried_again_too(call):
    pages = [Reply(status, (b"<html>",)) for status in (502, 504)]
    with stub(in_turn(*pages, answer(202, RECEIPT))) as server:
        call(server.url, generate)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", api.InvalidRequestError),
        (402, "insufficient_dust", api.InsufficientDustError),
        (404, "not_found", api.NotFoundError),
        (422, "idempotency_key_reused", api.IdempotencyKeyReusedError),
        (429, "too_many_active_jobs", api.TooManyActiveJobsError),
        (500, "internal_error", api.InternalServerError),
        (418, "of_the_future", api.ApiError),
    ],
)
def test_what_does_not_pass_is_told_at_once(call, status, code, kind):
    with stub(in_turn(problem(status, code, Retry_After="1"))) as server, pytest.raises(kind) as raised:
        call(server.url, generate)
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, f"It is {code}.")
    assert (error.request_id, error.retry_after) == ("request-1", 1)
    assert len(server.asked) == 1


def test_errors_have_the_fields_of_their_problem_documents(call):
    balance = {"current_balance": 4, "required_amount": 10}
    with stub(in_turn(problem(402, "insufficient_dust", balance))) as server:
        with pytest.raises(api.InsufficientDustError) as raised:
            call(server.url, generate)
        assert (raised.value.current_balance, raised.value.required_amount) == (4, 10)
    errors = [{"field": "prompt", "message": "Too long.", "code": "max_length"}]
    with stub(in_turn(problem(400, "invalid_request", {"errors": errors}))) as server:
        with pytest.raises(api.InvalidRequestError) as invalid:
            call(server.url, generate)
        assert invalid.value.errors == errors


def test_tries_are_counted_and_the_last_failure_is_raised(call):
    with stub(in_turn(DROP)) as server, pytest.raises(api.NetworkError):
        call(server.url, generate, retries=2)
    assert len(server.asked) == 3


def test_a_server_that_asks_for_more_than_a_minute_is_not_waited_for_in_silence(call):
    later = email.utils.format_datetime(email.utils.localtime().fromtimestamp(time.time() + 600).astimezone())
    for value, least, most in (("3600", 3600, 3600), (later, 500, 600)):
        with stub(in_turn(problem(503, "unavailable", Retry_After=value))) as server:
            with pytest.raises(api.UnavailableError) as raised:
                call(server.url, generate)
            assert least <= raised.value.retry_after <= most
            assert len(server.asked) == 1


def test_a_try_that_takes_too_long_is_given_up_and_sent_again(call):
    with stub(in_turn(Reply(200, (), {}, held=True), answer(200, {"available": 3}))) as server:
        assert call(server.url, lambda client: client.dust.balance(), request_timeout=0.3)["available"] == 3
    assert len(server.asked) >= 2


def test_a_video_whose_deletion_was_done_but_not_told_counts_as_deleted(call):
    gone = problem(404, "not_found")
    with stub(in_turn(DROP, gone)) as server:
        call(server.url, lambda client: client.videos.delete("one"))
    with stub(in_turn(gone)) as server, pytest.raises(api.NotFoundError):
        call(server.url, lambda client: client.videos.delete("one"))


@pytest.mark.parametrize("passing", [Reply(502), problem(503, "unavailable")])
def test_a_deletion_may_have_been_done_whatever_a_5xx_says(call, passing):
    with stub(in_turn(passing, problem(404, "not_found"))) as server:
        call(server.url, lambda client: client.videos.delete("one"))


def test_a_deletion_that_was_only_told_to_wait_has_deleted_nothing(call):
    with stub(in_turn(problem(429, "rate_limited"), problem(404, "not_found"))) as server:
        with pytest.raises(api.NotFoundError):
            call(server.url, lambda client: client.videos.delete("one"))
        assert len(server.asked) == 2


def test_a_redirect_or_a_page_in_place_of_json_is_told_as_that(call):
    for reply in (Reply(301, (), {"Location": "/elsewhere"}), Reply(200, (b"<html>Sign in to the hotel",))):
        with stub(in_turn(reply)) as server, pytest.raises(api.UnexpectedAnswerError):
            call(server.url, generate)
        assert len(server.asked) == 1


def test_the_token_goes_to_the_api_and_is_in_nothing_that_can_be_printed(call, caplog):
    caplog.set_level("DEBUG")
    with stub(in_turn(problem(500, "internal_error"))) as server:
        said = []
        for url, token in ((server.url, TOKEN), ("http://127.0.0.1:9", TOKEN), (server.url, f"{TOKEN}\n")):
            with pytest.raises(api.VideoApiError) as raised:
                call(url, generate, token=token, retries=0)
            said += ["".join(traceback.format_exception(raised.value)), repr(raised.value), str(raised.value)]
        assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    client = api.VideoClient(server.url, TOKEN)
    said += [repr(client), str(client.jobs.get("one")), repr(client.videos), caplog.text]
    client.close()
    assert [text for text in said if TOKEN in text] == []


def test_a_token_may_be_asked_for_anew_with_each_try(call):
    tokens = iter(["token-1", "token-2"])
    with stub(in_turn(DROP, answer(200, {}))) as server:
        call(server.url, lambda client: client.dust.balance(), token=lambda: next(tokens))
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer token-1", "Bearer token-2"]
