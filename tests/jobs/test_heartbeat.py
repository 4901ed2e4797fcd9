"""Signs of life: who is alive, who is wedged, and that nobody healthy is taken for dead."""

import datetime

import pytest
from django.db.models import F
from django.db.models.functions import Now

from jobs import lifecycle, queue, tasks, workers
from jobs.heartbeat import Heartbeat
from jobs.models import Message, Worker

pytestmark = pytest.mark.django_db

TIMEOUT = 60  # seconds, of which none is waited for


@pytest.fixture
def heartbeat():
    found = Heartbeat("far", queue_name="render", processes=2, timeout=TIMEOUT)
    found.count()
    return found


def alive():
    return list(Worker.objects.alive(workers.sign_of_life()).values_list("id", flat=True))


def pass_time(heartbeat, seconds):
    """Have everything that was noted be older by so much."""
    heartbeat._heard -= seconds
    Worker.objects.update(seen_at=F("seen_at") - datetime.timedelta(seconds=seconds))


def another_cluster_takes_all():
    Message.objects.all().delete()


def test_an_idle_cluster_is_alive_though_another_one_takes_each_pulse(heartbeat):
    """On several machines the one nearest to the database takes nearly all."""
    heartbeat._turn()
    another_cluster_takes_all()
    pass_time(heartbeat, max(TIMEOUT, workers.sign_of_life().total_seconds()) + 1)
    assert alive() == []
    heartbeat._turn()
    assert alive() == ["far"]
    assert not heartbeat.silent.is_set()


def test_a_cluster_that_leaves_its_pulse_waiting_is_silent(heartbeat):
    heartbeat._turn()
    pass_time(heartbeat, TIMEOUT + 1)
    heartbeat._turn()
    assert heartbeat.silent.is_set()


def test_a_pause_of_the_whole_machine_is_not_its_clusters_silence(heartbeat, settings):
    settings.WORKER_PULSE_SECONDS = 0.1
    heartbeat._turn()
    pass_time(heartbeat, TIMEOUT + 1)
    rest, heartbeat._stopping.wait = heartbeat._stopping.wait, lambda seconds: rest(seconds * 10)
    heartbeat._rest()
    heartbeat._stopping.wait = rest
    heartbeat._turn()
    assert not heartbeat.silent.is_set()


def test_a_usual_rest_takes_nothing_from_the_count(heartbeat, settings):
    settings.WORKER_PULSE_SECONDS = 1
    heard = heartbeat._heard
    heartbeat._stopping.set()  # so that it does not even rest
    heartbeat._rest()
    assert heartbeat._heard == heard


def test_the_silence_of_a_cluster_that_still_starts_is_not_counted():
    starting = Heartbeat("far", queue_name="render", processes=2, timeout=TIMEOUT)
    starting._turn()
    pass_time(starting, TIMEOUT + 1)
    starting._turn()
    assert not starting.silent.is_set()
    starting.count()
    pass_time(starting, TIMEOUT + 1)
    starting._turn()
    assert starting.silent.is_set()


def test_a_cluster_that_takes_its_pulse_is_not(heartbeat, monkeypatch):
    monkeypatch.setenv("VIDEOAPI_WORKER", "far")
    for _ in range(3):
        heartbeat._turn()
        pass_time(heartbeat, 0.7 * TIMEOUT)
        tasks.pulse()  # and the next one waits already
    heartbeat._turn()
    assert not heartbeat.silent.is_set()


def test_a_cluster_that_was_forgotten_is_announced_again(heartbeat):
    """The sweep forgets what was silent for an hour; an outage may have kept it from speaking."""
    heartbeat._turn()
    Worker.objects.update(seen_at=Now() - 2 * workers.FORGET_AFTER)
    assert workers.forget_dead() == 1
    heartbeat._turn()
    assert alive() == ["far"]
    [worker] = Worker.objects.all()
    assert (worker.queue, worker.processes) == ("render", 2)


def test_a_cluster_that_nobody_knows_of_claims_nothing_once_it_is_retired(queued, heartbeat):
    workers.retire(["far"])
    assert lifecycle.claim(queued.id, worker="far") is None
    heartbeat._turn()
    assert workers.is_stopping("far")
    assert Worker.objects.all().slots() == 0


def test_retiring_keeps_what_is_known_of_a_cluster(heartbeat):
    heartbeat._turn()
    workers.retire(["far", "never seen"])
    assert set(Worker.objects.values_list("id", "queue", "processes")) == {
        ("far", "render", 2),
        ("never seen", "", 0),
    }
    assert all(map(workers.is_stopping, ["far", "never seen"]))


def test_a_pulse_is_asked_for_when_nothing_waits_and_only_then(heartbeat):
    heartbeat._turn()
    heartbeat._turn()
    assert Message.objects.count() == 1
    assert queue.any_waiting("render")
