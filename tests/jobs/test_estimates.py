"""How long it will take: history first, the model's word before there is any, and the queue."""

import pytest
from django.core.cache import cache
from django.db.models import F

from jobs import catalogue, estimates, lifecycle, workers
from jobs.models import Job
from tests.jobs.making import finish

pytestmark = pytest.mark.django_db

KIND = {"generation_type": "text_to_video", "resolution": "sd_480p", "duration": "short"}


@pytest.fixture
def model():
    return catalogue.get("rehearsal")


@pytest.fixture
def history(submit, tmp_path):
    """Completed jobs that took the given seconds."""

    def make(*seconds, **changes):
        for number, took in enumerate(seconds):
            job = lifecycle.claim(submit(cost=0, **changes).id, worker="w1")
            lifecycle.accept(job)
            folder = tmp_path / f"{len(changes)}-{number}"
            folder.mkdir()
            finish(job, folder)
            Job.objects.filter(id=job.id).update(generation_ms=took * 1000)
        cache.clear()

    return make


def expected(model, **changes):
    cache.clear()
    return estimates.expected_seconds(model, **{**KIND, **changes})


def test_before_there_is_history_it_is_the_models_stated_time(model):
    assert expected(model) == model.stated_seconds(resolution="sd_480p", duration="short")


def test_with_history_it_is_the_80th_percentile_of_equal_jobs(model, history):
    history(1, 2, 3, 4, 5, 6, 7, 8, 9, 100)
    assert expected(model) == 8


def test_one_slow_job_does_not_spoil_it(model, history):
    history(2, 2, 2, 2, 2, 2, 2, 2, 2, 1000)
    assert expected(model) == 2


def test_jobs_of_another_kind_say_nothing(model, history):
    history(50, 60, resolution="hd_720p")
    assert expected(model) == model.stated_seconds(resolution="sd_480p", duration="short")
    assert expected(model, resolution="hd_720p") == 60


def test_only_recent_jobs_count(model, history):
    history(*[100] * 10)
    Job.objects.update(finished_at=F("finished_at") - lifecycle.settings.JOB_RESULT_LIFETIME)
    history(*[1] * estimates.RECENT, aspect_ratio="1:1")
    assert expected(model) == 1


def test_the_stated_time_grows_with_pixels_and_seconds(model):
    small = model.stated_seconds(resolution="sd_480p", duration="short")
    large = model.stated_seconds(resolution="4k_2160p", duration="short")
    long = model.stated_seconds(resolution="sd_480p", duration="long")
    assert small < long
    assert small < large


def test_the_queue_ahead_is_divided_by_the_workers_alive(submit):
    for _ in range(4):
        submit(cost=0, expected_seconds=10)
    assert estimates.until_done(5, queue="render") == 45
    workers.register("w1", queue="render", processes=4)
    cache.clear()
    assert estimates.until_done(5, queue="render") == 15


def test_the_position_counts_what_will_run_before_this_job(submit, api):
    jobs = [submit(cost=0, expected_seconds=10) for _ in range(3)]
    lifecycle.claim(jobs[0].id, worker="w1")

    def info(job):
        return api.get(f"/videos/jobs/{job.id}/status").json()["generation_info"]

    assert [info(job)["queue_position"] for job in jobs] == [None, 0, 1]
    assert info(jobs[2])["estimated_remaining_seconds"] == 20


def test_a_running_jobs_own_pace_counts_more_than_the_plan(processing, fresh):
    lifecycle.progress(processing, share=0.5, step="Half")
    job = Job.objects.seen_now().with_queue_ahead().get(id=processing.id)
    job.now = job.claimed_at + lifecycle.settings.JOB_LEASE * 2
    assert estimates.remaining(job) == 60


def test_nothing_unfinished_is_zero_seconds_away(processing):
    job = Job.objects.seen_now().with_queue_ahead().get(id=processing.id)
    job.now = job.claimed_at + lifecycle.settings.JOB_LEASE * 100
    assert estimates.remaining(job) == 1


@pytest.mark.parametrize(
    ("values", "share", "found"), [([], 0.5, None), ([3], 0.95, 3), ([1, 2, 3, 4], 0.5, 2)]
)
def test_percentiles_are_by_nearest_rank(values, share, found):
    assert estimates.percentile(values, share) == found
