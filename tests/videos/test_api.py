"""The library over HTTP: list, get, mark, delete."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.videos.conftest import VIDEO_BYTES
from videos.models import Video

OBJECT = {
    "id", "user_id", "url", "thumbnail_url", "prompt", "generation_type", "source_image_url",
    "duration_seconds", "resolution", "aspect_ratio", "width", "height", "fps", "size_bytes",
    "reference_person", "metadata", "model_used", "is_favorited", "created_at", "updated_at",
}  # fmt: skip


def ids(response):
    assert response.status_code == 200
    return [video["id"] for video in response.json()["videos"]]


def test_a_video_is_the_object_of_the_contract(api, alice, make_video):
    person = {"person_id": "p1", "photo_url": "https://example.com/p.jpg"}
    video = make_video(alice, metadata={"z": 1, "a": [None]}, reference_person=person)
    response = api.get(f"/videos/{video.pk}")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert body["success"] is True
    shown = body["video"]
    assert set(shown) == OBJECT
    assert shown["id"] == str(video.pk)
    assert shown["user_id"] == str(alice.pk)
    assert shown["metadata"] == {"z": 1, "a": [None]}
    assert shown["reference_person"] == person
    assert shown["source_image_url"] is None
    assert shown["duration_seconds"] == 5
    assert (shown["width"], shown["height"], shown["fps"]) == (854, 480, 24)
    assert shown["size_bytes"] == len(VIDEO_BYTES)
    assert shown["is_favorited"] is False
    assert shown["created_at"].endswith("Z")


def test_its_addresses_play_with_no_header(api, client, alice, picture, make_video):
    shown = api.get(f"/videos/{make_video(alice, source_image=picture).pk}").json()["video"]
    types = [
        client.head(shown[name])["Content-Type"] for name in ("url", "thumbnail_url", "source_image_url")
    ]
    assert types == ["video/mp4", "image/jpeg", "image/jpeg"]


def test_the_list_is_newest_first_and_the_callers_own(api, alice, bob, make_video):
    made = [make_video(alice) for _ in range(3)]
    make_video(bob)
    Video.objects.filter(pk=made[0].pk).update(created_at=timezone.now() + timedelta(days=1))
    response = api.get("/videos")
    assert ids(response) == [str(made[index].pk) for index in (0, 2, 1)]
    assert response.json()["pagination"] == {"total": 3, "limit": 20, "offset": 0, "has_more": False}
    assert response["Cache-Control"] == "no-store"


def test_videos_of_one_instant_keep_their_order_over_pages(api, alice, make_video):
    made = {str(make_video(alice).pk) for _ in range(5)}
    Video.objects.update(created_at=timezone.now())
    pages = [ids(api.get("/videos", {"limit": 2, "offset": offset})) for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {video for page in pages for video in page} == made


def test_a_page_says_whether_there_is_more(api, alice, make_video):
    for _ in range(3):
        make_video(alice)
    page = api.get("/videos", {"limit": 2}).json()["pagination"]
    assert page == {"total": 3, "limit": 2, "offset": 0, "has_more": True}
    page = api.get("/videos", {"limit": 2, "offset": 2}).json()["pagination"]
    assert page == {"total": 3, "limit": 2, "offset": 2, "has_more": False}
    assert ids(api.get("/videos", {"offset": 3})) == []


def test_the_list_can_be_narrowed_to_favourites_and_to_one_kind(api, alice, make_video):
    plain = make_video(alice)
    animated = make_video(alice, generation_type="image_to_video")
    api.put(f"/videos/{plain.pk}", {"is_favorited": True}, format="json")
    assert ids(api.get("/videos", {"favorites_only": "true"})) == [str(plain.pk)]
    assert ids(api.get("/videos", {"generation_type": "image_to_video"})) == [str(animated.pk)]
    assert ids(api.get("/videos", {"generation_type": "image_to_video", "favorites_only": "true"})) == []
    assert len(ids(api.get("/videos", {"generation_type": "all", "favorites_only": "false"}))) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "abc"),
        ("limit", "1.5"),
        ("limit", "9" * 5000),
        ("limit", "\x00"),
        ("offset", "-1"),
        ("offset", "abc"),
        ("offset", "1000001"),
        ("offset", "99999999999999999999"),
        ("favorites_only", "perhaps"),
        ("generation_type", "film"),
        ("generation_type", "\x00"),
    ],
)
def test_a_query_out_of_bounds_is_refused_by_its_name(api, field, value):
    response = api.get("/videos", {field: value})
    assert response.status_code == 400
    assert response.json()["error_code"] == "invalid_request"
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_an_empty_value_is_the_default(api):
    response = api.get("/videos?limit=&offset=&favorites_only=&generation_type=")
    assert response.json()["pagination"]["limit"] == 20


@pytest.mark.parametrize("limit", [1, 100])
def test_limits_at_the_bounds_are_fine(api, limit):
    assert api.get("/videos", {"limit": limit, "offset": 1_000_000}).status_code == 200


def test_marking_a_favourite_answers_with_the_video(api, alice, make_video):
    video = make_video(alice)
    response = api.put(f"/videos/{video.pk}", {"is_favorited": True}, format="json")
    assert response.status_code == 200
    assert response.json()["video"]["is_favorited"] is True
    assert api.get(f"/videos/{video.pk}").json()["video"]["is_favorited"] is True
    response = api.put(f"/videos/{video.pk}", {"is_favorited": False}, format="json")
    assert response.json()["video"]["is_favorited"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "is_favorited"),
        ({"is_favorited": None}, "is_favorited"),
        ({"is_favorited": "true"}, "is_favorited"),
        ({"is_favorited": 1}, "is_favorited"),
        ({"is_favorited": [True]}, "is_favorited"),
        ({"is_favorited": True, "prompt": "mine now"}, "prompt"),
        ({"is_favorited": True, "is_favourited": True}, "is_favourited"),
        ([], ""),
        ("true", ""),
        (True, ""),
    ],
)
def test_only_a_true_or_false_marks_a_favourite(api, alice, make_video, body, field):
    video = make_video(alice)
    response = api.put(f"/videos/{video.pk}", body, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field
    assert Video.objects.get().is_favorited is False


def test_ones_own_user_id_may_be_sent_along(api, alice, make_video):
    body = {"is_favorited": True, "user_id": str(alice.pk)}
    assert api.put(f"/videos/{make_video(alice).pk}", body, format="json").status_code == 200


@pytest.mark.parametrize("user_id", ["bob", None, 7, "", "x", True, {}])
def test_any_other_user_id_is_refused(api, alice, bob, make_video, user_id):
    video = make_video(alice)
    body = {"is_favorited": True, "user_id": str(bob.pk) if user_id == "bob" else user_id}
    for response in (
        api.put(f"/videos/{video.pk}", body, format="json"),
        api.delete(f"/videos/{video.pk}", body, format="json"),
    ):
        assert response.status_code == 403
        assert response.json()["error_code"] == "permission_denied"
    assert Video.objects.get().is_favorited is False


def test_deleting_takes_row_and_files_at_once(api, alice, make_video, stored_files):
    video = make_video(alice)
    response = api.delete(f"/videos/{video.pk}")
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "message": "The video was deleted.",
        "deleted_from_storage": True,
    }
    assert stored_files() == []
    assert api.get(f"/videos/{video.pk}").status_code == 404
    assert api.delete(f"/videos/{video.pk}").status_code == 404
    assert ids(api.get("/videos")) == []


def test_deleting_is_honest_about_a_storage_that_keeps_the_file(api, alice, make_video, broken_storage):
    video = make_video(alice)
    broken_storage("KeepsEverything")
    response = api.delete(f"/videos/{video.pk}")
    assert response.status_code == 200
    assert response.json()["deleted_from_storage"] is False
    assert api.get(f"/videos/{video.pk}").status_code == 404


def but_for_its_own_name(response, video_id):
    body = response.json()
    body.pop("request_id")
    assert str(video_id) in body.pop("instance")
    return response.status_code, body, response["Content-Type"]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_anothers_video_answers_exactly_as_an_unknown_one(api, bob, make_video, method, stored_files):
    bobs, unknown = make_video(bob).pk, uuid.uuid4()
    answers = [
        but_for_its_own_name(
            getattr(api, method)(f"/videos/{pk}", {"is_favorited": True}, format="json")
            if method == "put"
            else getattr(api, method)(f"/videos/{pk}"),
            pk,
        )
        for pk in (bobs, unknown)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert answers[0][1]["error_code"] == "not_found"
    video = Video.objects.get()
    assert video.is_favorited is False
    assert len(stored_files()) == 2


@pytest.mark.parametrize("path", ["/videos/nonsense", "/videos/1", "/videos/%00", "/videos/"])
def test_what_is_no_id_is_not_found(api, path):
    response = api.get(path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/videos", "post", {"GET", "HEAD", "OPTIONS"}),
        ("/videos", "delete", {"GET", "HEAD", "OPTIONS"}),
        ("/videos/{pk}", "post", {"GET", "PUT", "DELETE", "HEAD", "OPTIONS"}),
        ("/videos/{pk}", "patch", {"GET", "PUT", "DELETE", "HEAD", "OPTIONS"}),
        ("/videos/files/a/video.mp4", "post", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_other_methods_are_refused_with_those_allowed(api, path, method, allowed):
    response = getattr(api, method)(path.format(pk=uuid.uuid4()))
    assert response.status_code == 405
    assert response.json()["error_code"] == "method_not_allowed"
    assert set(response["Allow"].split(", ")) == allowed


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/videos", "/videos/0192f000-0000-7000-8000-000000000000"])
def test_a_caller_without_credentials_is_refused(client, path):
    response = client.get(path)
    assert response.status_code in (401, 403)
    assert response.json()["error_code"] == "not_authenticated"
    assert response["Cache-Control"] == "no-store"
