"""What a stream makes of what it hears: the newest of each job, in an order in which nothing is lost."""

import json

import pytest

from jobs import lifecycle
from jobs.live import updates
from jobs.live.stream import EventStream
from tests.jobs.live.hearing import NewerFailure
from tests.jobs.making import order_for
from tests.videoapi import document

pytestmark = pytest.mark.django_db


def told(text):
    """Status and progress of each event, by (job, id)."""
    blocks = document.read("text/event-stream", text.decode())
    return [
        (block["data"]["job_id"], int(block["id"]), block["data"]["progress"])
        for block in blocks
        if "data" in block
    ]


@pytest.fixture
def job(processing):
    return processing


def look(job):
    return updates.of_job(job.user_id, job.id)


def test_a_look_that_began_before_the_stream_is_not_news_to_it(job):
    late = look(job)
    lifecycle.progress(job, share=0.5, step="Drawing")
    stream = EventStream(job.user_id, job.id, updates=[look(job)])
    stream.head()
    stream.hear(late)
    assert told(stream.head()) == []
    lifecycle.progress(job, share=0.6, step="Drawing")
    stream.hear(look(job))
    assert [share for *_, share in told(stream.head())] == [0.6]


def test_steps_that_were_not_sent_yet_are_one(job):
    stream = EventStream(job.user_id, updates=[])
    for share in (0.1, 0.2, 0.3):
        lifecycle.progress(job, share=share, step="Drawing")
        stream.hear(look(job))
    assert [share for *_, share in told(stream.head())] == [0.3]


def test_what_has_the_older_line_is_sent_first_and_ids_never_fall(job, alice):
    stream = EventStream(job.user_id, updates=[])
    other = lifecycle.submit(order_for(alice))
    stream.hear(look(other))
    stream.hear(look(job))
    assert [job_id for job_id, *_ in told(stream.head())] == [str(job.id), str(other.id)]
    lifecycle.progress(job, share=0.2, step="Drawing")
    stream.hear(look(job))
    assert [number for _, number, _ in told(stream.head())] == [look(other).line]


def test_who_comes_back_is_sent_no_newer_id_before_what_it_stands_for(job, alice):
    """The connection may break in the middle of what was missed."""
    known, other = look(job).line, lifecycle.submit(order_for(alice))
    lifecycle.cancel(other)
    for after, begins in ((known, known), (None, look(other).line), (0, 0)):
        found = updates.opening(alice.pk, after=after)
        head = EventStream(alice.pk, updates=found.updates, line=found.line, at=found.at).head()
        assert head.startswith(f"retry: 2000\n\nid: {begins}\n\nevent: job\n".encode())


def test_one_look_for_all_takes_as_many_statements_as_for_one(alice, django_assert_num_queries):
    first = lifecycle.submit(order_for(alice))
    updates.of_jobs([first.id])  # what is remembered for a moment is so now
    others = [lifecycle.submit(order_for(alice)).id for _ in range(4)]
    with django_assert_num_queries(1):
        assert len(updates.of_jobs([first.id, *others])) == 5


def test_a_failure_that_only_a_newer_release_knows_is_told_as_a_fault_of_ours(job, alice, api):
    other = lifecycle.submit(order_for(alice))
    lifecycle.fail(job, code=NewerFailure.UNHEARD_OF, detail="")
    bodies = {update.job_id: json.loads(update.body) for update in updates.of_jobs([job.id, other.id])}
    assert set(bodies) == {job.id, other.id}
    assert (bodies[job.id]["status"], bodies[job.id]["error_code"]) == ("failed", "internal_error")
    for path in (f"/videos/jobs/{job.id}/status", "/videos/jobs", f"/v1/videos/{job.id}"):
        assert api.get(path).status_code == 200
    assert api.get(f"/videos/jobs/{job.id}/result").json()["failure_code"] == "internal_error"
