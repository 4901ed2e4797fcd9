"""Event streams of a real server: what is told, in which order, and where a client goes on."""

import json
import uuid

import pytest

from jobs import lifecycle
from jobs.models import JobEvent
from jobs.providers.base import FailureCode
from tests.jobs.live.hearing import END, NewerFailure, until
from tests.jobs.making import finish, move_clock, order_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ALL = "/videos/jobs/events"


def events_of(job):
    return f"/videos/jobs/{job.id}/events"


def at_work(user):
    job = lifecycle.claim(lifecycle.submit(order_for(user)).id, worker="w1")
    lifecycle.accept(job)
    return job


def failed(user):
    job = at_work(user)
    lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    return job


def newest_line(job):
    return JobEvent.objects.filter(job=job).latest("id").id


def test_a_job_is_told_from_the_queue_to_its_end(web, token, alice, tmp_path):
    job = lifecycle.submit(order_for(alice))
    with web.hear(token, events_of(job)) as ear:
        assert ear.response.headers["Content-Type"] == "text/event-stream"
        assert "no-transform" in ear.response.headers["Cache-Control"]
        assert ear.response.headers["X-Accel-Buffering"] == "no"
        first = ear.next()
        assert (first.name, first.job["status"], first.id, ear.retry) == (
            "job",
            "queued",
            newest_line(job),
            2000,
        )
        job = lifecycle.claim(job.id, worker="w1")
        lifecycle.accept(job)
        assert ear.until(status="processing")
        lifecycle.progress(job, share=0.5, step="Drawing")
        assert ear.until(progress=0.5).job["generation_info"]["current_step"] == "Drawing"
        finish(job, tmp_path)
        last = ear.until(status="completed")
        assert last.id == newest_line(job)
        assert ear.next() == END


def test_what_is_told_is_the_body_of_the_status(web, token, alice):
    job = failed(alice)
    with web.hear(token, events_of(job)) as ear:
        _, _, body, _ = web.get(token, f"/videos/jobs/{job.id}/status")
        assert [event.data for event in ear.rest()] == [body]


def test_a_client_that_knows_how_the_job_ended_is_told_to_stop(web, token, alice):
    job = failed(alice)
    with web.hear(token, events_of(job)) as ear:
        [event] = ear.rest()
    status, headers, body, _ = web.get(token, events_of(job), **{"Last-Event-ID": str(event.id)})
    assert (status, body) == (204, "")
    assert headers["X-Request-ID"]
    assert web.get(token, f"{events_of(job)}?last_event_id={event.id}")[0] == 204
    with web.hear(token, events_of(job), **{"Last-Event-ID": str(event.id - 1)}) as ear:
        assert [again.stands for again in ear.rest()] == [event.stands]


def test_the_header_counts_and_not_the_address_that_it_came_with(web, token, alice):
    """A browser comes again to the same address, with the header."""
    job = failed(alice)
    status, *_ = web.get(
        token, f"{events_of(job)}?last_event_id=0", **{"Last-Event-ID": str(newest_line(job))}
    )
    assert status == 204


def test_all_jobs_are_told_and_nobody_elses(web, token, bobs_token, alice, bob):
    ended, going = failed(alice), at_work(alice)
    with web.hear(token, ALL) as ear, web.hear(bobs_token, ALL) as bobs:
        assert ear.next().stands == (str(going.id), "processing", 0.0)
        later = lifecycle.submit(order_for(alice))
        assert ear.next().stands == (str(later.id), "queued", 0.0)
        lifecycle.cancel(later)
        assert ear.next().stands == (str(later.id), "cancelled", 0.0)
        bobs_own = lifecycle.submit(order_for(bob))
        assert bobs.next().stands == (str(bobs_own.id), "queued", 0.0)
        lifecycle.fail(going, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
        assert ear.next().stands == (str(going.id), "failed", 0.0)
    assert ended.id != going.id


def test_who_comes_back_is_told_of_what_ended_meanwhile(web, token, alice):
    long_ago = failed(alice)
    move_clock(long_ago, minutes=10)
    going, other = at_work(alice), at_work(alice)
    with web.hear(token, ALL) as ear:
        told = [ear.next(), ear.next()]
    assert [event.id for event in told] == sorted(event.id for event in told)
    lifecycle.fail(other, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    with web.hear(token, ALL, **{"Last-Event-ID": str(told[-1].id)}) as ear:
        back = {ear.next().stands, ear.next().stands}
        assert back == {(str(going.id), "processing", 0.0), (str(other.id), "failed", 0.0)}
        lifecycle.progress(going, share=0.2, step="Drawing")  # nothing came in between
        event = ear.next()
        assert event.stands == (str(going.id), "processing", 0.2)
        assert event.id >= newest_line(other), "an id never falls: what came before it is known"


def test_who_heard_of_nothing_yet_is_told_of_what_came_and_went_meanwhile(web, token, alice):
    long_ago, before = failed(alice), failed(alice)
    move_clock(long_ago, minutes=10)
    with web.hear(token, ALL) as ear:
        assert until(lambda: ear.last_id) == newest_line(before), "to go on from, though nothing was told"
    job = failed(alice)
    with web.hear(token, ALL, **{"Last-Event-ID": str(ear.last_id)}) as ear:
        assert ear.until(job_id=str(job.id)).job["status"] == "failed"
        assert until(lambda: ear.last_id) == newest_line(job)


def test_who_was_never_there_has_missed_nothing(web, token, alice):
    ended = failed(alice)
    with web.hear(token, ALL) as ear:
        going = lifecycle.submit(order_for(alice))
        assert ear.next().stands == (str(going.id), "queued", 0.0)
    with web.hear(token, ALL, **{"Last-Event-ID": "0"}) as ear:
        assert {ear.next().stands[0], ear.next().stands[0]} == {str(ended.id), str(going.id)}


def test_the_place_in_the_queue_is_told_though_nothing_happened_to_the_job(web, token, alice, bob):
    first, second = lifecycle.submit(order_for(bob)), lifecycle.submit(order_for(alice))
    with web.hear(token, events_of(second)) as ear:
        assert ear.next().job["generation_info"]["queue_position"] == 1
        lifecycle.cancel(first)
        assert ear.next().job["generation_info"]["queue_position"] == 0


def test_a_job_that_this_release_cannot_tell_ends_no_stream(web, token, bobs_token, alice, bob):
    job, other, bobs_own = at_work(alice), at_work(alice), at_work(bob)
    with web.hear(token, ALL) as ear, web.hear(bobs_token, ALL) as bobs:
        assert {ear.next().stands[0], ear.next().stands[0]} == {str(job.id), str(other.id)}
        bobs.next()
        lifecycle.fail(job, code=NewerFailure.UNHEARD_OF, detail="")
        for share in (0.2, 0.4):  # the job is looked at with the first, and again with the second
            lifecycle.progress(bobs_own, share=share, step="Drawing")
            assert bobs.until(progress=share) != END
            lifecycle.progress(other, share=share, step="Drawing")
            assert ear.until(progress=share) != END


def test_a_change_in_nothing_that_is_shown_is_not_told(web, token, alice):
    job = at_work(alice)
    with web.hear(token, events_of(job)) as ear:
        ear.next()
        lifecycle.progress(job, share=0.0, step="Starting")  # it only renews the lease
        lifecycle.progress(job, share=0.3, step="Drawing")
        assert ear.next().stands == (str(job.id), "processing", 0.3)


@pytest.mark.parametrize("path", [ALL, f"/videos/jobs/{uuid.UUID(int=7)}/events"])
def test_strangers_are_told_how_to_sign_in(web, db, path):
    status, headers, body, _ = web.get("vg_live_nothing", path, **{"X-Request-ID": "my-own-request"})
    assert (status, headers["Content-Type"]) == (401, "application/problem+json")
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert headers["X-Request-ID"] == "my-own-request"
    assert json.loads(body)["error_code"] == "not_authenticated"


def test_somebody_elses_job_is_as_an_unknown_one(web, bobs_token, alice):
    def answer(job_id):
        status, _, body, _ = web.get(bobs_token, f"/videos/jobs/{job_id}/events")
        found = json.loads(body)
        return status, found["error_code"], found["error"]

    assert answer(at_work(alice).id) == answer(uuid.uuid4()) == (404, "not_found", "Not found.")


@pytest.mark.parametrize("given", ["x", "-1", str(2**63), "1.5"])
def test_an_id_that_none_of_ours_is_refused(web, token, given):
    status, _, body, _ = web.get(token, ALL, **{"Last-Event-ID": given})
    assert (status, json.loads(body)["errors"][0]["field"]) == (400, "last_event_id")


def test_an_id_from_the_future_is_taken_for_now(web, token, alice):
    job = at_work(alice)
    with web.hear(token, ALL, **{"Last-Event-ID": str(2**63 - 1)}) as ear:
        assert ear.next().id == newest_line(job)


def test_a_stream_that_was_closed_is_forgotten(web, token, alice):
    job = at_work(alice)
    for _ in range(60):  # more than one user may have open
        with web.hear(token, events_of(job)) as ear:
            assert ear.status == 200
            ear.next()
    before = web.threads()
    until(lambda: web.threads() <= before)


def test_a_head_says_what_a_get_would_and_ends(web, token, alice):
    job = at_work(alice)
    with web.hear(token, events_of(job)) as ear:
        ear.next()
        status, headers, body = web.head(token, events_of(job))
    assert (status, headers["Content-Type"], body) == (200, "text/event-stream", b"")
