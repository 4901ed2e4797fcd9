"""`GET /v1/videos`, `/v1/videos/{id}` and its content: our jobs in that shape."""

import pytest

from jobs import lifecycle
from jobs.models import Job
from jobs.openai_face import deletion
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock
from tests.jobs.openai_face.conftest import error
from videos.models import Video


def shown(api, job):
    response = api.get(f"/v1/videos/{job.id}")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_running_job_is_in_progress_by_per_cent(api, processing):
    assert (shown(api, processing)["status"], shown(api, processing)["progress"]) == ("in_progress", 0)
    lifecycle.progress(processing, share=0.429, step="Drawing")
    response = api.get(f"/v1/videos/{processing.id}")
    assert response.json()["progress"] == 42
    assert int(response["openai-poll-after-ms"]) == 1000 * int(response["Retry-After"])


def test_a_starting_job_is_in_progress(api, starting):
    assert shown(api, starting)["status"] == "in_progress"


def test_a_completed_one_has_what_was_really_made(api, completed):
    found = shown(api, completed)
    assert (found["status"], found["progress"], found["error"]) == ("completed", 100, None)
    assert (found["seconds"], found["size"]) == ("5", "854x480")
    assert found["completed_at"] == int(completed.finished_at.timestamp())
    assert found["expires_at"] == found["completed_at"] + 24 * 3600
    assert "Retry-After" not in api.get(f"/v1/videos/{completed.id}")


def test_a_video_of_a_picture_has_the_pictures_shape(api, submit, tmp_path):
    job = submit(generation_type="image_to_video", aspect_ratio="", image_url="https://x.example/y.jpg")
    assert shown(api, job)["size"] is None
    job = lifecycle.claim(job.id, worker="w1")
    lifecycle.accept(job)
    finish(job, tmp_path)
    assert shown(api, job)["size"] == "854x480"


@pytest.mark.parametrize("code", FailureCode)
def test_a_failed_one_says_why(api, processing, code):
    lifecycle.fail(processing, code=code, detail="the provider's own words")
    found = shown(api, processing)
    assert found["status"] == "failed"
    word = "moderation_blocked" if code == FailureCode.CONTENT_REJECTED else code
    assert found["error"] == {"code": word, "message": code.label}
    assert found["expires_at"] is None


def test_one_that_was_cancelled_elsewhere_is_failed_so_that_nobody_waits_for_ever(api, cancelled):
    found = shown(api, cancelled)
    assert (found["status"], found["error"]["code"]) == ("failed", "cancelled")
    assert found["completed_at"]


def test_the_answer_takes_one_statement(api, completed, django_assert_num_queries):
    shown(api, completed)
    with django_assert_num_queries(1):
        shown(api, completed)


def test_a_video_deleted_from_the_library_is_not_here(api, completed):
    assert api.delete(f"/videos/{completed.video_id}").status_code == 200
    said = error(api.get(f"/v1/videos/{completed.id}"), 404)
    assert (said["type"], said["code"]) == ("invalid_request_error", "not_found")
    assert api.get("/v1/videos").json()["data"] == []


# --- the list ----------------------------------------------------------------------------------------------


def ids(response):
    assert response.status_code == 200, response.content
    return [found["id"] for found in response.json()["data"]]


def test_the_list_has_all_jobs_of_the_caller_newest_first(api, submit, stranger):
    jobs = [str(submit().id) for _ in range(3)]
    response = api.get("/v1/videos")
    assert ids(response) == jobs[::-1]
    body = response.json()
    assert (body["object"], body["has_more"]) == ("list", False)
    assert (body["first_id"], body["last_id"]) == (jobs[2], jobs[0])
    assert ids(stranger.get("/v1/videos")) == []
    assert stranger.get("/v1/videos").json()["first_id"] is None


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_each_other_without_a_gap(api, submit, order):
    jobs = [str(submit().id) for _ in range(5)]
    expected = jobs if order == "asc" else jobs[::-1]
    seen, after = [], ""
    while True:
        page = api.get(f"/v1/videos?limit=2&order={order}{after}")
        seen += ids(page)
        assert len(ids(page)) <= 2
        if not page.json()["has_more"]:
            break
        after = f"&after={page.json()['last_id']}"
    assert seen == expected


def test_a_page_can_begin_after_a_video_that_was_deleted(api, submit):
    jobs = [str(submit().id) for _ in range(3)]
    assert api.delete(f"/v1/videos/{jobs[1]}").status_code == 200
    assert ids(api.get(f"/v1/videos?after={jobs[1]}")) == [jobs[0]]


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order"), ("after=video_1", "after")],
)
def test_a_bad_query_is_refused_by_its_name(api, query, param):
    assert error(api.get(f"/v1/videos?{query}"), 400)["param"] == param


def test_the_list_takes_one_statement(api, submit, completed, django_assert_num_queries):
    for _ in range(3):
        submit()
    with django_assert_num_queries(1):
        assert len(ids(api.get("/v1/videos"))) == 4


# --- the content -------------------------------------------------------------------------------------------


def content(api, job, query="", **headers):
    return api.get(f"/v1/videos/{job.id}/content{query}", headers=headers)


@pytest.mark.parametrize(
    ("query", "kind", "data"),
    [
        ("", "video/mp4", b"a video"),
        ("?variant=video", "video/mp4", b"a video"),
        ("?variant=thumbnail", "image/jpeg", b"a poster"),
    ],
)
def test_the_content_is_the_file(api, completed, query, kind, data):
    response = content(api, completed, query, Accept="application/binary")
    assert response.status_code == 200
    assert response["Content-Type"] == kind
    assert response["Cache-Control"] == "no-store"
    assert response.getvalue() == data


def test_a_range_of_it_is_206(api, completed):
    response = content(api, completed, Range="bytes=2-4")
    assert (response.status_code, response.getvalue()) == (206, b"vid")
    assert response["Content-Range"] == "bytes 2-4/7"
    assert error(content(api, completed, Range="bytes=7-"), 416)["code"] == "range_not_satisfiable"


def test_what_is_not_made_says_so(api, completed):
    said = error(content(api, completed, "?variant=spritesheet"), 404)
    assert said["code"] == "variant_not_made"
    assert "`video` and `thumbnail`" in said["message"]
    assert error(content(api, completed, "?variant=gif"), 400)["param"] == "variant"


def test_content_that_is_not_there_yet_is_404_with_the_time_to_ask_again(api, processing):
    response = content(api, processing)
    assert error(response, 404)["code"] == "video_not_ready"
    assert int(response["Retry-After"]) >= 1


def test_there_is_none_of_a_failed_or_cancelled_one(api, failed, submit):
    assert error(content(api, failed), 404)["code"] == "video_not_made"
    other = submit()
    lifecycle.cancel(other)
    response = content(api, other)
    assert error(response, 404)["code"] == "video_not_made"
    assert "Retry-After" not in response


def test_it_ends_when_the_result_does_and_the_library_keeps_the_video(api, completed):
    move_clock(completed, hours=25)
    assert shown(api, completed)["status"] == "completed"
    assert error(content(api, completed), 404)["code"] == "video_expired"
    assert api.get(f"/videos/{completed.video_id}").status_code == 200


def test_a_lost_file_is_404_and_not_a_fault(api, completed, media):
    (media / completed.video.file).unlink()
    assert error(content(api, completed), 404)["code"] == "not_found"


# --- deletion ----------------------------------------------------------------------------------------------


def delete(api, job):
    return api.delete(f"/v1/videos/{job.id}")


def must_be_gone(api, job):
    assert error(api.get(f"/v1/videos/{job.id}"), 404)["code"] == "not_found"
    assert error(content(api, job), 404)["code"] == "not_found"
    assert error(delete(api, job), 404)["code"] == "not_found"
    assert api.get("/v1/videos").json()["data"] == []


def test_deleting_a_queued_one_cancels_it_and_gives_the_dust_back(api, queued, alice, dust_of, fresh):
    assert delete(api, queued).json() == {"id": str(queued.id), "object": "video.deleted", "deleted": True}
    assert fresh(queued).status == "cancelled"
    assert dust_of(alice) == (100, 0)
    must_be_gone(api, queued)
    assert api.get(f"/videos/jobs/{queued.id}/status").json()["dust"] == "released"


def test_deleting_a_completed_one_deletes_the_video_from_the_library(
    api, completed, media, alice, dust_of, django_capture_on_commit_callbacks
):
    files = [media / completed.video.file, media / completed.video.poster]
    assert all(path.exists() for path in files)
    with django_capture_on_commit_callbacks(execute=True):
        assert delete(api, completed).json()["deleted"] is True
    assert not any(path.exists() for path in files)
    assert api.get(f"/videos/{completed.video_id}").status_code == 404
    assert api.get(f"/videos/jobs/{completed.id}/result").json()["error_code"] == "video_deleted"
    assert dust_of(alice) == (90, 0)
    must_be_gone(api, completed)


def test_deleting_a_failed_one_hides_it_here_only(api, failed, alice, dust_of):
    assert delete(api, failed).json()["deleted"] is True
    must_be_gone(api, failed)
    assert [event.verb for event in failed.events.order_by("id")][-2:] == ["fail", "hide"]
    assert dust_of(alice) == (100, 0)
    assert api.get(f"/videos/jobs/{failed.id}/status").json()["status"] == "failed"


def test_one_cancelled_elsewhere_can_be_deleted_too(api, cancelled):
    assert delete(api, cancelled).status_code == 200
    must_be_gone(api, cancelled)


def test_a_running_one_is_not_deleted_and_the_client_need_not_try_again(
    api, processing, alice, dust_of, fresh
):
    response = delete(api, processing)
    said = error(response, 409)
    assert (said["type"], said["code"]) == ("invalid_request_error", "video_in_progress")
    assert response["x-should-retry"] == "false"
    assert fresh(processing).status == "processing"
    assert dust_of(alice) == (90, 0)
    assert shown(api, processing)["status"] == "in_progress"


@pytest.mark.parametrize("may_be_stopped", [True, False])
def test_one_that_ends_at_the_moment_of_its_deletion_is_deleted_all_the_same(
    completed, settings, may_be_stopped, fresh
):
    settings.CANCEL_RUNNING = may_be_stopped
    seen = fresh(completed)
    seen.status, seen.video = "processing", None  # as it was read a moment ago
    deletion.delete(seen)
    assert not Video.objects.exists()
    assert fresh(completed).hidden_at


FAR = {
    "title": "Far away",
    "provider": "jobs.providers.runway.Runway",
    "seconds_of_work": 1.0,
    "remote": {"base_url": "https://models.example.org"},
}


def test_one_that_can_be_stopped_is_asked_to_and_is_deleted_when_it_has_ended(
    api, submit, settings, alice, dust_of, fresh
):
    settings.CANCEL_RUNNING, settings.VIDEO_MODELS = True, {"far": FAR}
    job = lifecycle.claim(submit(model="far").id, worker="w1")
    response = delete(api, job)
    assert error(response, 409)["code"] == "video_stopping"
    assert int(response["Retry-After"]) >= 1
    assert "x-should-retry" not in response
    assert fresh(job).is_unwanted
    assert shown(api, job)["status"] == "in_progress"
    assert lifecycle.stop(fresh(job), detail="The provider has stopped.")
    assert delete(api, job).status_code == 200
    assert dust_of(alice) == (100, 0)


def test_deleting_a_video_that_is_kept_no_more_still_deletes_it(api, completed):
    move_clock(completed, hours=25)
    assert delete(api, completed).status_code == 200
    assert not Job.objects.filter(id=completed.id, hidden_at=None).exists()
    assert api.get("/videos").json()["videos"] == []
