"""The Python client follows a job: by events, or by asking, whatever breaks between. Sync and async alike."""

import json
import time
import urllib.parse

import pytest

import videoapi_client as api
from tests.clients.stub import (
    DROP,
    JOB_ID,
    RESULT,
    Reply,
    answer,
    event,
    in_turn,
    job,
    problem,
    say,
    status,
    stub,
)
from tests.clients.test_python_retries import call  # noqa: F401 - a fixture
from videoapi_client.events import EventParser

DONE = status("completed", 1.0)


@pytest.fixture
def wait(call):  # noqa: F811
    """Wait for the job; return what `on_progress` was told."""

    def run(server, *, timeout=None, **options):
        seen = []
        call(
            server.url,
            lambda client: client.jobs.get(JOB_ID).wait(on_progress=seen.append, timeout=timeout),
            **options,
        )
        return seen

    return run


def counts(server):
    return len(server.to("/events")), len(server.to("/status"))


def test_a_job_is_followed_by_its_events_alone(wait):
    half = status("processing", 0.5)
    with stub(
        job(events=in_turn(say("retry: 10\n\n", ": ping\n\n", event(half, 1), event(DONE, 2))))
    ) as server:
        assert wait(server) == [half, DONE]
    assert counts(server) == (1, 0)
    assert server.asked[0].headers["accept"] == "text/event-stream"
    assert server.asked[-1].path.endswith("/result")


def test_a_stream_that_breaks_is_taken_up_where_it_broke(wait):
    first = say("retry: 10\n\n", event(status("starting"), 41), held=False)
    with stub(job(events=in_turn(first, DROP, say(event(DONE, 44))))) as server:
        wait(server)
    asked = server.to("/events")
    assert [one.headers.get("last-event-id") for one in asked] == [None, "41", "41"]
    assert counts(server) == (3, 0)


def test_events_are_read_however_they_are_cut_and_whatever_ends_their_lines():
    for end in ("\n", "\r\n", "\r"):
        lines = ("\ufeff: hello", "event: job", "id: 9", "retry: 1500", "data: {", "data:  ☀}", "", "", "")
        text = end.join(lines)
        for size in (1, 2, 3, 7, 1000):
            parser, bytes_ = EventParser(), text.encode()
            found = [
                one for at in range(0, len(bytes_), size) for one in parser.push(bytes_[at : at + size])
            ] + parser.push(b":")
            assert [(one.event, one.data, one.id) for one in found] == [("job", "{\n ☀}", "9")]
            assert parser.retry == 1.5


def test_a_line_without_end_is_refused():
    with pytest.raises(ValueError, match="too long"):
        EventParser().push(b"x" * 2_000_000)


def test_events_of_other_jobs_and_kinds_are_passed_over(wait):
    other = event(status("failed", job_id="another"), 1)
    unknown = 'event: news\ndata: {}\n\ndata: {"no": "event"}\n\n'
    with stub(job(events=in_turn(say(other, unknown, event(DONE, 2))))) as server:
        assert wait(server) == [DONE]


def test_without_streams_the_status_is_asked_for_as_retry_after_says_and_with_its_etag(wait):
    queued = answer(200, status("queued"), ETag='W/"a"', Retry_After="1")
    unchanged = Reply(304, (), {"ETag": 'W/"a"', "Retry-After": "1"})
    with stub(job(polls=in_turn(queued, unchanged, answer(200, DONE)))) as server:
        begun = time.monotonic()
        assert [one["status"] for one in wait(server)] == ["queued", "completed"]
    polls = server.to("/status")
    assert [one.headers.get("if-none-match") for one in polls] == [None, 'W/"a"', 'W/"a"']
    assert polls[2].at - begun >= 2  # a client counts from before it asks, and that is on its way for a while


def test_204_says_that_all_is_told(wait):
    with stub(job(events=in_turn(Reply(204)))) as server:
        wait(server)
    assert counts(server) == (1, 1)


def test_streams_that_always_break_are_given_up_for_polling(wait):
    garbled = say("retry: 10\n\n", "event: job\ndata: {broken\n\n", held=False)
    with stub(job(events=in_turn(garbled))) as server:
        wait(server)
    assert counts(server) == (3, 1)


def test_a_busy_servers_stream_is_asked_for_again(wait):
    with stub(job(events=in_turn(problem(503, "unavailable"), say(event(DONE, 1))))) as server:
        wait(server)
    assert counts(server) == (2, 0)


def test_an_outage_is_endured_for_as_long_as_the_client_is_told_to(wait):
    with stub(job(polls=in_turn(DROP, problem(503, "unavailable"), answer(200, DONE)))) as server:
        wait(server)
    begun = time.monotonic()
    with stub(job(polls=in_turn(DROP))) as server, pytest.raises(api.NetworkError):
        wait(server, outage_seconds=1)
    assert time.monotonic() - begun > 1


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [(404, "not_found", api.NotFoundError), (401, "not_authenticated", api.NotAuthenticatedError)],
)
def test_somebody_elses_job_is_not_found_and_a_token_that_ended_is_told(wait, number, code, kind):
    no = in_turn(problem(number, code))
    with stub(job(events=no, polls=no)) as server, pytest.raises(kind):
        wait(server)


def test_a_job_that_failed_raises_why_and_what_happened_to_the_dust(wait):
    failed = status("failed", 0.5, error="Try other words.", error_code="content_rejected")
    with stub(job(events=in_turn(say(event(failed, 3))))) as server:
        with pytest.raises(api.JobFailedError) as raised:
            wait(server)
        assert len(server.asked) == 1
    error = raised.value
    assert (error.message, error.failure_code) == ("Try other words.", "content_rejected")
    assert (error.dust, error.job_id) == ("refunded", JOB_ID)
    cancelled = job(events=in_turn(say(event(status("cancelled"), 3))))
    with stub(cancelled) as server, pytest.raises(api.JobCancelledError):
        wait(server)


def test_an_id_that_is_none_stays_within_its_place_in_the_address(call):  # noqa: F811
    for name in ("../balance", "a/b?c"):
        with stub(in_turn(problem(404, "not_found"))) as server, pytest.raises(api.NotFoundError):
            call(server.url, lambda client, name=name: client.jobs.get(name).wait())
        quoted = urllib.parse.quote(name, safe="")
        assert [one.path for one in server.asked] == [
            f"/videos/jobs/{quoted}/events",
            f"/videos/jobs/{quoted}/status",
        ]


def test_waiting_ends_with_the_timeout(wait):
    working = answer(200, status("processing"), Retry_After="5")
    with stub(job(events=in_turn(say()), polls=in_turn(working))) as server:
        with pytest.raises(api.WaitTimeoutError) as raised:
            wait(server, timeout=0.3)
        assert raised.value.job_id == JOB_ID


def test_only_so_many_connections_stay_open_and_the_other_jobs_are_asked_about(wait):
    with stub(job(events=in_turn(say(event(DONE, 1))))) as server:
        wait(server, streams=0)
    assert counts(server) == (0, 1)
    assert server.to("/status")[0].query == ""


def test_a_place_for_a_stream_is_free_again_when_nobody_looks_on():
    working = job(events=in_turn(say(event(status("processing"), 1))))
    with stub(working) as server, api.VideoClient(server.url, "token", streams=1) as client:
        for _ in range(2):
            told = client.jobs.get(JOB_ID).updates()
            assert next(told)["status"] == "processing"
            told.close()
    assert counts(server) == (2, 0)


def test_a_result_that_is_not_there_yet_is_told(call):  # noqa: F811
    early = answer(202, {"success": True, "job_id": JOB_ID, "status": "processing", "message": ""})
    with stub(in_turn(early)) as server, pytest.raises(api.JobUnfinishedError) as raised:
        call(server.url, lambda client: client.jobs.get(JOB_ID).result())
    assert raised.value.job_status == "processing"


def test_the_result_is_returned_as_it_is(call):  # noqa: F811
    with stub(job(events=in_turn(say(event(DONE, 1))))) as server:
        assert call(server.url, lambda client: client.jobs.get(JOB_ID).wait()) == json.loads(
            json.dumps(RESULT)
        )
