"""What operators see of queues and workers."""

import pytest

from jobs import lifecycle, queue, workers
from jobs.models import Message


@pytest.fixture
def office(client, charlie):
    """A browser in which an operator has signed in."""
    client.force_login(charlie)
    return client


def text(page):
    return page.content.decode()


def test_the_list_of_messages_says_what_waits_and_who_has_taken_what(office, submit):
    first, second = submit(), submit()
    Message.objects.filter(job_id=first.id).update(holder="w1")
    shown = text(office.get("/admin/jobs/message/"))
    for word in (str(first.id), str(second.id), "taken", "waits", "w1"):
        assert word in shown


def test_the_engines_own_empty_tables_are_not_shown(office):
    shown = text(office.get("/admin/"))
    assert "queue messages" in shown.lower()
    assert "ormq" not in shown
    assert "/schedule/" not in shown


def test_a_job_in_a_queue_that_nobody_serves_says_so(office, submit):
    job = submit(queue="remote")
    workers.register("w1", queue="render", processes=1)
    address = f"/admin/jobs/job/{job.id}/change/"
    assert "No worker serves the queue" in text(office.get(address))
    workers.register("w2", queue="remote", processes=1)
    assert "No worker serves the queue" not in text(office.get(address))


def test_a_job_given_back_by_a_stopped_worker_says_so(office, processing):
    workers.register("w2", queue=processing.queue, processes=1)
    lifecycle.release(processing)
    shown = text(office.get(f"/admin/jobs/job/{processing.id}/change/"))
    assert "Waiting for another worker" in shown
    assert "Given back by a worker that is stopping" in shown


def test_a_wake_up_call_names_its_job(queued):
    assert list(Message.objects.values_list("job_id", "queue")) == [(queued.id, "render")]
    assert queue.waiting("render") == 1
