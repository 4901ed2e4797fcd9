"""What operators see of queues and workers."""

import datetime

import pytest

from jobs import lifecycle, queue, upstreams, workers
from jobs.models import Message

PAUSE = datetime.timedelta(seconds=2)


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
    assert "Given back by its worker" in shown
    assert "Worker w1 is stopping." in shown


def test_a_job_that_waits_for_its_provider_says_so(office, processing):
    workers.register("w2", queue=processing.queue, processes=1)
    lifecycle.release(processing, step=upstreams.TURN, why="The account is full.", delay=PAUSE)
    shown = text(office.get(f"/admin/jobs/job/{processing.id}/change/"))
    assert "Waiting for its turn at the provider; 10 DUST were charged" in shown
    assert "The account is full." in shown
    assert "stop" not in shown.partition("Timeline")[2].partition("For developers")[0]


def test_a_wake_up_call_names_its_job(queued):
    assert list(Message.objects.values_list("job_id", "queue")) == [(queued.id, "render")]
    assert queue.waiting("render") == 1
