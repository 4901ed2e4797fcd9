"""`?wait=` on a status: the answer is held until there is something new to say, and is the usual one then."""

import json

import pytest

from jobs import lifecycle
from jobs.providers.base import FailureCode
from tests.jobs.live.hearing import PATIENCE, Held
from tests.jobs.making import order_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def path(job, wait):
    return f"/videos/jobs/{job.id}/status?wait={wait}"


@pytest.fixture
def job(alice):
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    lifecycle.accept(job)
    return job


def test_the_answer_comes_with_the_news(web, token, job):
    held = Held(web, token, path(job, 60))
    share = 0.1
    while not held.is_answered:  # whenever the server came to hold it: the next change is news
        lifecycle.progress(job, share=min(share, 0.9), step="Drawing")
        share += 0.001
    status, headers, body, seconds = held.answer()
    assert (status, json.loads(body)["status"]) == (200, "processing")
    assert seconds < PATIENCE / 2
    assert headers["ETag"]
    assert headers["Retry-After"]


def test_nothing_new_is_said_when_the_time_is_up(web, token, job):
    _, headers, plain, _ = web.get(token, path(job, 0))
    status, again, body, seconds = web.get(token, path(job, 1), **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, "", headers["ETag"])
    assert seconds >= 1
    status, again, body, seconds = web.get(token, path(job, 1))
    assert (status, again["ETag"]) == (200, headers["ETag"])
    assert json.loads(body)["updated_at"] == json.loads(plain)["updated_at"]
    assert seconds >= 1


def test_what_the_client_does_not_know_yet_is_said_at_once(web, token, job):
    _, headers, _, _ = web.get(token, path(job, 0))
    lifecycle.progress(job, share=0.4, step="Drawing")
    status, _, body, seconds = web.get(token, path(job, 60), **{"If-None-Match": headers["ETag"]})
    assert (status, json.loads(body)["progress"]) == (200, 0.4)
    assert seconds < PATIENCE / 2


def test_nobody_waits_for_a_job_that_has_ended(web, token, job):
    lifecycle.fail(job, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    status, headers, _, seconds = web.get(token, path(job, 60))
    assert status == 200
    again, *_, seconds_again = web.get(token, path(job, 60), **{"If-None-Match": headers["ETag"]})
    assert again == 304
    assert max(seconds, seconds_again) < PATIENCE / 2


def test_somebody_elses_job_is_not_waited_for(web, bobs_token, job):
    status, *_, seconds = web.get(bobs_token, path(job, 60))
    assert status == 404
    assert seconds < PATIENCE / 2


@pytest.mark.parametrize("wait", ["61", "-1", "x"])
def test_a_wait_of_no_length_of_ours_is_refused(web, token, job, wait):
    status, _, body, _ = web.get(token, path(job, wait))
    assert (status, json.loads(body)["errors"][0]["field"]) == (400, "wait")
