"""What PostgreSQL may do to those who listen: commit out of turn, and end the connection that hears."""

import threading

import pytest
from django.db import connection, connections, transaction

from jobs import lifecycle
from jobs.live.trigger import CHANNEL
from jobs.models import Job, JobEvent
from tests.jobs.live.hearing import END, until
from tests.jobs.making import order_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and tells nobody"),
]
ALL = "/videos/jobs/events"


class LateCommit:
    """Cancels a job in a thread, and commits when it is told to."""

    def __init__(self, job):
        self._is_done, self._may_commit = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(job,))
        self._thread.start()
        assert self._is_done.wait(60)

    def _run(self, job):
        try:
            with transaction.atomic():
                lifecycle.cancel(job)
                self._is_done.set()
                assert self._may_commit.wait(60)
        finally:
            connections.close_all()

    def commit(self):
        self._may_commit.set()
        self._thread.join(60)


def newest_line(job):
    return JobEvent.objects.filter(job=job).latest("id").id


def progress(job, share):
    lifecycle.progress(job, share=share, step="Drawing")


@pytest.fixture
def late(alice):
    return lifecycle.submit(order_for(alice))


@pytest.fixture
def early(alice):
    return lifecycle.submit(order_for(alice, cost=0))  # their accounts don't wait for each other


def test_a_line_that_is_committed_after_a_later_one_is_told(web, token, late, early):
    with web.hear(token, ALL) as ear:
        assert {ear.next().stands[0], ear.next().stands[0]} == {str(late.id), str(early.id)}
        commit = LateCommit(late)
        lifecycle.cancel(early)
        assert ear.until(status="cancelled").job["job_id"] == str(early.id)
        commit.commit()
        assert newest_line(late) < newest_line(early)
        assert ear.until(status="cancelled").job["job_id"] == str(late.id)


def test_nor_is_it_lost_to_a_client_that_was_away_when_it_was_committed(web, token, late, early):
    commit = LateCommit(late)
    lifecycle.cancel(early)
    with web.hear(token, f"/videos/jobs/{early.id}/events") as ear:
        [told] = ear.rest()
    commit.commit()
    assert newest_line(late) < told.id
    with web.hear(token, ALL, **{"Last-Event-ID": str(told.id)}) as ear:
        event = ear.until(job_id=str(late.id))
        assert event.job["status"] == "cancelled"


def listening():
    """The backends that hear for a web process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND query IN (%s, 'SELECT 1')",
            [f"LISTEN {CHANNEL}"],
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_one_connection_hears_for_all_and_is_replaced_when_it_is_ended(web, token, bobs_token, alice, bob):
    jobs = [lifecycle.claim(lifecycle.submit(order_for(user)).id, worker="w1") for user in (alice, bob)]
    until(lambda: not listening())  # what heard for the last test may not have ended yet
    with web.hear(token, ALL) as ear, web.hear(bobs_token, ALL) as bobs:
        ear.next(), bobs.next()
        [hearing] = until(listening)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [hearing])
        progress(jobs[0], 0.3)  # nobody hears of it
        assert ear.until(progress=0.3)
        assert until(lambda: listening() - {hearing})
        progress(jobs[1], 0.6)
        assert bobs.until(progress=0.6) != END
    until(lambda: not listening())  # nor is it kept when nobody listens


def heard(changes):
    """How many notifications a change sends."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        changes()
        found = [notify.payload for notify in connection.connection.notifies(timeout=0.2)]
        cursor.execute(f"UNLISTEN {CHANNEL}")
    return found


def test_each_change_is_told_with_its_commit_and_nothing_else_is(alice):
    job = lifecycle.submit(order_for(alice))
    job = lifecycle.claim(job.id, worker="w1")
    told = [f"{alice.pk} {job.id}"]
    assert heard(lambda: progress(job, 0.2)) == told
    assert heard(lambda: Job.objects.filter(id=job.id).update(woken_at=job.created_at)) == []

    def undone():
        with transaction.atomic():
            progress(job, 0.3)
            transaction.set_rollback(True)

    assert heard(undone) == []
