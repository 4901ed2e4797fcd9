"""Support staff see and delete videos; they edit nothing."""

import dataclasses
import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from base.long_lists import PAGE_SIZE
from tests.videos.conftest import DETAILS
from videos.models import Video

LIST = "/admin/videos/video/"


@pytest.fixture
def staff(client, charlie):
    client.force_login(charlie)
    return client


def page(video):
    return reverse("admin:videos_video_change", args=[video.pk])


def listed(response):
    assert response.status_code == 200
    return {video.pk for video in response.context["cl"].result_list}


def test_a_page_shows_and_plays_the_video(staff, client, alice, picture, make_video):
    video = make_video(alice, source_image=picture)
    response = staff.get(page(video))
    assert response.status_code == 200
    html = response.content.decode()
    for name in ("video.mp4", "poster.jpg", "/source"):
        link = next(part for part in html.split('"') if part.endswith(name) and "/files/" in part)
        assert client.head(link).status_code == 200


HOSTILE = "<script>alert('x')</script>\x07\u202e{{ 7*7 }}"


def test_what_users_wrote_is_only_ever_shown(staff, alice, make_video):
    video = make_video(
        alice,
        prompt=HOSTILE,
        metadata={HOSTILE: [HOSTILE, None, 1e300]},
        reference_person={"person_id": HOSTILE},
        source_image_url='javascript:alert("x")',
    )
    for address in (LIST, page(video)):
        html = staff.get(address).content.decode()
        assert "<script>alert" not in html
        assert 'href="javascript:' not in html


def test_nothing_can_be_added_or_edited(staff, alice, make_video):
    video = make_video(alice)
    assert staff.get(f"{LIST}add/").status_code == 403
    assert staff.post(page(video), {"prompt": "other", "is_favorited": "on"}).status_code == 403
    assert Video.objects.get().prompt == video.prompt


@pytest.mark.parametrize("term", ["id", "hex id", "user id", "alice@example.com", "ALICE@EXAMPLE", "alice"])
def test_a_video_is_found_by_its_id_its_user_or_an_address(staff, alice, bob, make_video, term):
    video, _ = make_video(alice), make_video(bob)
    terms = {"id": str(video.pk), "hex id": f" {video.pk.hex} ", "user id": str(alice.pk)}
    assert listed(staff.get(LIST, {"q": terms.get(term, term)})) == {video.pk}


@pytest.mark.parametrize("term", ["nobody@example.com", "'; --", "%", "0192f000-0000-7000-8000-000000000000"])
def test_a_search_for_what_is_not_there_finds_nothing(staff, alice, make_video, term):
    make_video(alice)
    assert listed(staff.get(LIST, {"q": term})) == set()


def test_the_list_costs_the_same_however_long(staff, alice, bob, make_video, django_assert_max_num_queries):
    for user in (alice, bob, alice, bob):
        make_video(user)
    with django_assert_max_num_queries(6):
        assert len(listed(staff.get(LIST))) == 4


@pytest.fixture
def many(alice):
    """Make so many rows, without files; return their ids, newest first."""

    def make(number):
        details = dataclasses.asdict(dataclasses.replace(DETAILS, user_id=alice.pk))
        names = [{"file": f"videos/{name}.mp4", "poster": f"videos/{name}.jpg"} for name in range(number)]
        rows = Video.objects.bulk_create(Video(**details, **files, size_bytes=1) for files in names)
        return [video.pk for video in rows][::-1]

    return make


def test_pages_are_turned_without_counting(staff, many):
    ids = many(PAGE_SIZE + 2)
    with CaptureQueriesContext(connection) as queries:
        pages = [staff.get(LIST, {"p": number}) for number in (1, 2)]
    assert [listed(page) for page in pages] == [set(ids[:PAGE_SIZE]), set(ids[PAGE_SIZE:])]
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]
    assert not [query for query in queries if "DISTINCT" in query["sql"].upper()]
    assert 'href="?p=2" rel="next"' in pages[0].content.decode()


def test_the_list_is_read_from_an_index(staff, many):
    many(3)
    rows = staff.get(LIST).context["cl"].queryset[:PAGE_SIZE]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):  # a planner would read so small a table whole
                cursor.execute(f"SET LOCAL enable_{way} = off")
    assert not re.search(r"\bSort\b|TEMP B-TREE", rows.explain())


def test_what_is_ticked_can_be_deleted_and_never_all_that_there_are(staff, many):
    many(PAGE_SIZE + 2)
    html = staff.get(LIST).content.decode()
    assert 'value="delete_selected"' in html
    assert f'data-actions-icnt="{PAGE_SIZE}"' in html
    assert "Select all" not in re.sub(r"<th.*?</th>", "", html, flags=re.DOTALL)


def test_deleting_one_takes_its_files(
    staff, alice, make_video, stored_files, django_capture_on_commit_callbacks
):
    gone, kept = make_video(alice), make_video(alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(reverse("admin:videos_video_delete", args=[gone.pk]), {"post": "yes"})
    assert response.status_code == 302
    assert stored_files() == sorted([kept.file, kept.poster])
    assert list(Video.objects.all()) == [kept]


def test_deleting_many_takes_their_files(staff, alice, make_video, stored_files):
    gone, kept = [make_video(alice) for _ in range(3)], make_video(alice)
    chosen = {
        "action": "delete_selected",
        "_selected_action": [str(video.pk) for video in gone],
        "post": "yes",
    }
    assert staff.post(LIST, chosen).status_code == 302
    assert stored_files() == sorted([kept.file, kept.poster])
    assert list(Video.objects.all()) == [kept]


def test_staff_who_may_only_look_cannot_delete(client, alice, bob, make_video, stored_files):
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(codename="view_video"))
    client.force_login(bob)
    video = make_video(alice)
    assert client.get(page(video)).status_code == 200
    assert "delete_selected" not in client.get(LIST).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [str(video.pk)], "post": "yes"}
    client.post(LIST, chosen)
    delete = reverse("admin:videos_video_delete", args=[video.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert len(stored_files()) == 2
