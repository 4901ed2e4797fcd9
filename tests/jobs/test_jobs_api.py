"""Following a job: status, result, cancel, and the lists."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from jobs import estimates, lifecycle, workers
from jobs.models import Job
from jobs.providers.base import FailureCode
from tests.jobs.making import OPENING, finish, move_clock, order_for
from videos import library
from videos.models import Video

pytestmark = pytest.mark.django_db


def status(api, job):
    return api.get(f"/videos/jobs/{job.id}/status")


def result(api, job):
    return api.get(f"/videos/jobs/{job.id}/result")


def fail(job, code=FailureCode.CONTENT_REJECTED):
    lifecycle.fail(job, code=code, detail="the provider's own secret words")


def test_the_status_has_what_the_contract_names_and_no_more(api, queued):
    body = status(api, queued).json()
    assert set(body) == {
        "success",
        "job_id",
        "status",
        "progress",
        "generation_info",
        "cost",
        "dust",
        "created_at",
        "updated_at",
        "started_at",
        "completed_at",
        "expires_at",
    }
    assert set(body["generation_info"]) == {
        "generation_type",
        "current_step",
        "queue_position",
        "estimated_remaining_seconds",
        "model_used",
    }
    assert (body["status"], body["progress"], body["dust"], body["cost"]) == ("queued", 0.0, "held", 10)
    assert body["created_at"].endswith("Z")
    assert (body["started_at"], body["completed_at"], body["expires_at"]) == (None, None, None)


@pytest.mark.parametrize("state", ["queued", "starting", "processing"])
def test_an_unfinished_job_says_when_to_ask_again(api, request, state):
    job = request.getfixturevalue(state)
    response = status(api, job)
    assert response.json()["status"] == state
    assert response.json()["generation_info"]["estimated_remaining_seconds"] >= 1
    assert 1 <= int(response["Retry-After"]) <= 5
    waiting = result(api, job)
    assert waiting.status_code == 202
    assert waiting.json() == {
        "success": True,
        "job_id": str(job.id),
        "status": state,
        "message": waiting.json()["message"],
    }
    assert waiting["Retry-After"]


def test_a_running_job_has_no_place_in_the_queue(api, processing):
    lifecycle.progress(processing, share=0.4, step="Frame 48 of 120")
    body = status(api, processing).json()
    assert body["progress"] == 0.4
    assert body["generation_info"]["current_step"] == "Frame 48 of 120"
    assert body["generation_info"]["queue_position"] is None
    assert body["dust"] == "charged"
    assert body["started_at"]


def test_a_completed_job_is_charged_and_its_result_is_the_video(api, processing, tmp_path):
    video_id = finish(processing, tmp_path)
    response = status(api, processing)
    assert "Retry-After" not in response
    body = response.json()
    assert (body["status"], body["progress"], body["dust"]) == ("completed", 1.0, "charged")
    assert body["completed_at"]
    assert body["expires_at"]
    found = result(api, processing)
    assert found.status_code == 200
    assert set(found.json()) == {"success", "job_id", "status", "video", "generation_info"}
    assert found.json()["video"]["id"] == str(video_id)
    assert found.json()["generation_info"]["model_used"] == "rehearsal"
    assert found.json()["generation_info"]["generation_time_ms"] >= 0
    assert api.get(f"/videos/{video_id}").json()["video"]["id"] == str(video_id)


def test_a_failed_job_says_why_in_the_users_words_and_that_the_dust_is_back(api, processing):
    fail(processing)
    body = status(api, processing).json()
    assert (body["status"], body["dust"], body["error_code"]) == ("failed", "refunded", "content_rejected")
    assert body["error"] == FailureCode.CONTENT_REJECTED.label
    response = result(api, processing)
    assert response.status_code == 409
    problem = response.json()
    assert problem["error_code"] == "job_failed"
    assert (problem["job_id"], problem["job_status"]) == (str(processing.id), "failed")
    assert (problem["failure_code"], problem["dust"]) == ("content_rejected", "refunded")
    assert b"secret" not in response.content
    assert b"secret" not in status(api, processing).content


def test_a_cancelled_job_has_no_result(api, queued):
    lifecycle.cancel(queued)
    assert status(api, queued).json()["dust"] == "released"
    response = result(api, queued)
    assert response.status_code == 409
    assert response.json()["error_code"] == "job_cancelled"


def test_after_24_hours_the_result_is_410_and_the_video_still_plays(api, processing, tmp_path):
    video_id = finish(processing, tmp_path)
    move_clock(processing, hours=24, seconds=1)
    response = result(api, processing)
    assert response.status_code == 410
    assert response.json()["error_code"] == "result_expired"
    assert response.json()["expired_at"].endswith("Z")
    assert status(api, processing).json()["status"] == "completed"
    video = api.get(f"/videos/{video_id}").json()["video"]
    played = api.get(video["url"])
    assert b"".join(played.streaming_content if not played.is_async else []) or played.status_code == 200


def test_just_before_24_hours_the_result_is_there(api, processing, tmp_path):
    finish(processing, tmp_path)
    move_clock(processing, hours=23, minutes=59)
    assert result(api, processing).status_code == 200


def test_the_result_of_a_deleted_video_is_410(api, processing, tmp_path):
    library.delete(Video.objects.get(id=finish(processing, tmp_path)))
    response = result(api, processing)
    assert response.status_code == 410
    assert response.json()["error_code"] == "video_deleted"


def test_a_queued_job_is_cancelled_and_again_with_the_same_answer(api, alice, queued, dust_of):
    answers = [api.delete(f"/videos/jobs/{queued.id}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    body = answers[0].json()
    assert (body["success"], body["status"], body["released"]) == (True, "cancelled", 10)
    assert dust_of(alice) == (OPENING, 0)


@pytest.mark.parametrize("state", ["starting", "processing", "completed", "failed"])
def test_any_other_job_is_not_cancelled(api, request, tmp_path, state):
    job = request.getfixturevalue("starting" if state == "starting" else "processing")
    if state == "completed":
        finish(job, tmp_path)
    if state == "failed":
        fail(job)
    response = api.delete(f"/videos/jobs/{job.id}")
    assert response.status_code == 409
    assert response.json()["error_code"] == "job_not_cancellable"
    assert response.json()["job_status"] == state


@pytest.fixture
def far(settings):
    """A model whose provider can stop, where users may have that done."""
    settings.CANCEL_RUNNING = True
    settings.VIDEO_MODELS = {
        "far": {
            "title": "Far away",
            "provider": "jobs.providers.runway.Runway",
            "seconds_of_work": 1.0,
            "remote": {"base_url": "https://models.example.org"},
        }
    }


@pytest.mark.parametrize("state", ["starting", "processing"])
def test_a_running_job_whose_provider_can_stop_is_being_cancelled(api, far, submit, alice, dust_of, state):
    # not longer: with each second that passes less would remain, and the answers differ
    job = lifecycle.claim(submit(model="far", expected_seconds=1.0).id, worker="w1")
    if state == "processing":
        lifecycle.accept(job)
    answers = [api.delete(f"/videos/jobs/{job.id}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json() == status(api, job).json()
    body = answers[0].json()
    assert (body["status"], body["dust"], body["success"]) == (state, "charged", True)
    assert body["generation_info"]["current_step"] == "cancelling"
    assert answers[0]["Retry-After"]
    assert dust_of(alice) == (OPENING - 10, 0)
    [line] = job.events.filter(verb="ask_to_cancel")
    assert (line.status, line.actor) == (state, "")
    lifecycle.accept(job) if state == "starting" else None
    lifecycle.progress(job, share=0.5, step="Half")  # its worker goes on meanwhile
    assert status(api, job).json()["generation_info"]["current_step"] == "cancelling"


def test_a_running_job_that_is_cancelled_is_refunded_and_says_so(api, far, submit, alice, dust_of):
    job = lifecycle.claim(submit(model="far").id, worker="w1")
    api.delete(f"/videos/jobs/{job.id}")
    assert lifecycle.stop(job, detail="canceled")
    body = status(api, job).json()
    assert (body["status"], body["dust"]) == ("cancelled", "refunded")
    assert body["generation_info"]["current_step"] == "Cancelled"
    assert result(api, job).json()["error_code"] == "job_cancelled"
    again = api.delete(f"/videos/jobs/{job.id}")
    assert (again.status_code, again.json()["released"]) == (200, 10)
    assert again.json()["message"] == "The job was cancelled and 10 DUST refunded."
    assert dust_of(alice) == (OPENING, 0)


def test_a_queued_job_is_cancelled_at_once_whatever_its_model(api, far, submit):
    answer = api.delete(f"/videos/jobs/{submit(model='far').id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("why", ["local", "not allowed", "cannot stop", "withdrawn"])
def test_a_running_job_that_cannot_be_stopped_is_not_cancelled(api, far, settings, submit, why):
    job = lifecycle.claim(submit(model="rehearsal" if why == "local" else "far").id, worker="w1")
    if why == "not allowed":
        settings.CANCEL_RUNNING = False
    if why == "cannot stop":
        entry = {**settings.VIDEO_MODELS["far"], "provider": "jobs.providers.luma.Luma"}
        settings.VIDEO_MODELS = {"far": entry}
    if why == "withdrawn":
        settings.VIDEO_MODELS = {}
    response = api.delete(f"/videos/jobs/{job.id}")
    assert (response.status_code, response.json()["error_code"]) == (409, "job_not_cancellable")
    assert not Job.objects.unwanted().exists()


@pytest.mark.parametrize("allowed", [True, False])
def test_the_models_say_which_can_be_cancelled_at_work(api, far, settings, allowed):
    settings.CANCEL_RUNNING = allowed
    entry = {**settings.VIDEO_MODELS["far"], "provider": "jobs.providers.luma.Luma"}
    settings.VIDEO_MODELS = {**settings.VIDEO_MODELS, "cannot": entry}
    able = {m["model"]: m["cancellable_while_running"] for m in api.get("/videos/models").json()}
    assert able == {"preview": False, "rehearsal": False, "far": allowed, "cannot": False}


@pytest.mark.parametrize("path", ["/status", "/result", ""])
@pytest.mark.parametrize("whose", ["bob's", "nobody's"])
def test_other_peoples_jobs_are_404_exactly_as_unknown_ones(bobs_api, queued, path, whose):
    job_id = queued.id if whose == "bob's" else uuid.uuid4()
    ask = bobs_api.delete if path == "" else bobs_api.get
    response = ask(f"/videos/jobs/{job_id}{path}")
    assert response.status_code == 404
    body = response.json()
    assert body["error_code"] == "not_found"
    assert str(queued.prompt) not in response.content.decode()
    assert body["error"] == bobs_api.get(f"/videos/jobs/{uuid.uuid4()}/status").json()["error"]


def test_an_id_that_is_none_is_404_as_json(api):
    response = api.get("/videos/jobs/not-an-id/status")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_nothing_changed_is_304_with_no_body(api, processing):
    first = status(api, processing)
    assert first["ETag"].startswith('W/"')
    again = api.get(f"/videos/jobs/{processing.id}/status", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again["ETag"] == first["ETag"]
    assert again["Retry-After"]
    lifecycle.progress(processing, share=0.2, step="Working")
    changed = api.get(f"/videos/jobs/{processing.id}/status", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_moving_up_in_the_queue_changes_the_etag(api, submit):
    first, second = submit(), submit()
    before = status(api, second)
    assert before.json()["generation_info"]["queue_position"] == 1
    lifecycle.cancel(first)
    after = status(api, second)
    assert after.json()["generation_info"]["queue_position"] == 0
    assert after["ETag"] != before["ETag"]


@pytest.mark.parametrize("state", ["queued", "processing"])
def test_a_poll_is_one_query_for_the_caller_and_one_for_the_job(client, alice, request, monkeypatch, state):
    monkeypatch.setattr(estimates, "QUEUE_SECONDS", 600)  # else the workers are looked for again
    job = request.getfixturevalue(state)
    _, secret = tokens.issue(alice, name="poll")
    headers = {"Authorization": f"Bearer {secret}"}
    client.get(
        f"/videos/jobs/{job.id}/status", headers=headers
    )  # notes the token's last use, finds the workers
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/videos/jobs/{job.id}/status", headers=headers).status_code == 200
    asked = [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(asked) == 2, asked


def test_the_poll_finds_its_job_by_an_index(indexes, queued):
    jobs = Job.objects.owned_by(queued.user_id).seen_now().with_queue_ahead().filter(id=queued.id)
    plan = jobs.explain()
    assert "job_waiting" in plan
    assert "SCAN jobs_job\n" not in plan + "\n"
    assert "Seq Scan" not in plan


def test_active_jobs_are_the_callers_unfinished_ones_oldest_first(api, bob, submit, tmp_path):
    old, done, new = submit(), submit(), submit()
    lifecycle.submit(order_for(bob))
    lifecycle.claim(old.id, worker="w1")
    lifecycle.cancel(done)
    body = api.get("/videos/jobs/active").json()
    assert body["success"] is True
    assert body["count"] == 2
    assert [job["job_id"] for job in body["active_jobs"]] == [str(old.id), str(new.id)]
    assert set(body["active_jobs"][0]) == {
        "job_id",
        "status",
        "progress",
        "generation_type",
        "prompt",
        "created_at",
        "estimated_completion_seconds",
        "queue_position",
    }
    assert [job["queue_position"] for job in body["active_jobs"]] == [None, 0]


def test_the_list_is_newest_first_in_pages_and_by_status(api, submit):
    jobs = [submit() for _ in range(3)]
    lifecycle.cancel(jobs[0])
    body = api.get("/videos/jobs?limit=2").json()
    assert [job["job_id"] for job in body["jobs"]] == [str(jobs[2].id), str(jobs[1].id)]
    assert body["pagination"] == {"total": 3, "limit": 2, "offset": 0, "has_more": True}
    rest = api.get("/videos/jobs?limit=2&offset=2").json()
    assert [job["job_id"] for job in rest["jobs"]] == [str(jobs[0].id)]
    assert rest["pagination"]["has_more"] is False
    only = api.get("/videos/jobs?status=cancelled").json()
    assert [job["job_id"] for job in only["jobs"]] == [str(jobs[0].id)]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "status=expired"])
def test_a_bad_page_is_400(api, query):
    response = api.get(f"/videos/jobs?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


def test_stats_say_nothing_runs_until_a_worker_gives_a_sign_of_life(api, processing, tmp_path):
    finish(processing, tmp_path)
    body = api.get("/videos/stats").json()
    assert set(body) == {
        "is_running",
        "jobs_processed",
        "jobs_queued",
        "jobs_in_progress",
        "last_job_completed_at",
        "average_processing_time_seconds",
        "workers",
        "success_rate_24h",
        "models",
    }
    assert (body["is_running"], body["workers"], body["jobs_processed"]) == (False, 0, 1)
    assert body["success_rate_24h"] == 1.0
    assert body["models"][0]["model"] == "rehearsal"
    assert set(body["models"][0]) == {"model", "jobs_24h", "p50_seconds", "p95_seconds"}


def test_stats_run_while_a_worker_beats(api):
    workers.register("w1", queue="render", processes=2)
    assert api.get("/videos/stats").json()["is_running"] is True
    assert estimates.slots("render") == 2


def test_stats_hold_nobodys_data(api, queued):
    text = api.get("/videos/stats").content.decode()
    assert queued.prompt not in text
    assert str(queued.user_id) not in text


def test_models_list_what_can_be_asked_for(api):
    models = api.get("/videos/models").json()
    assert [model["model"] for model in models] == ["preview", "rehearsal"]
    first = models[0]
    assert set(first) == {
        "model",
        "title",
        "generation_types",
        "durations",
        "resolutions",
        "aspect_ratios",
        "prices",
        "typical_seconds",
        "cancellable_while_running",
    }
    assert first["prices"]["text_to_video"]["hd_1080p"]["short"] == 10
    assert first["prices"]["image_to_video"]["hd_1080p"]["short"] == 8
    assert first["typical_seconds"] >= 1
    assert first["cancellable_while_running"] is False


def test_a_model_switched_off_is_not_listed(api, settings):
    settings.REHEARSAL = False
    assert [model["model"] for model in api.get("/videos/models").json()] == ["preview"]


def test_a_quote_is_the_price_that_a_submit_takes(api):
    quote = api.get("/videos/quote?generation_type=image_to_video&resolution=sd_480p").json()
    assert (quote["cost"], quote["available"]) == (8, OPENING)
    assert quote["estimated_completion_seconds"] >= 1
    assert api.get("/videos/quote").json()["cost"] == 10
    assert not Job.objects.exists()


@pytest.mark.parametrize("query", ["resolution=8k", "duration=5", "model=nonesuch", "generation_type=x"])
def test_a_quote_for_what_is_not_to_be_had_is_400(api, query):
    response = api.get(f"/videos/quote?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


def test_every_answer_carries_the_callers_sane_request_id(api, queued):
    response = api.get(f"/videos/jobs/{queued.id}/status", headers={"X-Request-ID": "my-request-1"})
    assert response["X-Request-ID"] == "my-request-1"
    odd = api.get(f"/videos/jobs/{queued.id}/status", headers={"X-Request-ID": "no\tspaces <b>"})
    assert odd["X-Request-ID"] != "no\tspaces <b>"


def test_times_are_utc_with_z(api, queued):
    created = status(api, queued).json()["created_at"]
    assert datetime.datetime.fromisoformat(created).utcoffset() == datetime.timedelta(0)
