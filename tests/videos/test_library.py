"""Rows and files of the library go in and out together."""

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from base.ids import uuid7
from tests.videos.conftest import DETAILS, POSTER_BYTES, VIDEO_BYTES
from videos import library
from videos.models import Video

HOUR = timedelta(hours=1)


def test_it_stores_both_files_whole(rendered):
    files = library.store(video_id=uuid7(), **rendered)
    with default_storage.open(files.file) as file, default_storage.open(files.poster) as poster:
        assert file.read() == VIDEO_BYTES
        assert poster.read() == POSTER_BYTES
    assert files.size_bytes == len(VIDEO_BYTES)


def test_two_attempts_at_one_video_share_no_file(rendered, stored_files):
    video_id = uuid7()
    first, second = (library.store(video_id=video_id, **rendered) for _ in range(2))
    assert len({first.file, first.poster, second.file, second.poster}) == 4
    library.discard(first)
    assert stored_files() == sorted([second.file, second.poster])


def test_it_leaves_nothing_behind_when_the_disk_fills_up_half_way(rendered, broken_storage, stored_files):
    broken_storage("FullAtThePoster")
    with pytest.raises(OSError, match="no space left"):
        library.store(video_id=uuid7(), **rendered)
    assert stored_files() == []


def test_it_leaves_nothing_behind_when_the_poster_was_never_made(rendered, stored_files):
    rendered["poster"].unlink()
    with pytest.raises(FileNotFoundError):
        library.store(video_id=uuid7(), **rendered)
    assert stored_files() == []


class NotMine(Exception):
    """The job was taken over while its video was being stored."""


@pytest.fixture
def long_render(rendered):
    """A render whose video is copied in several pieces, however a storage copies."""
    rendered["video"].write_bytes(VIDEO_BYTES * 300)
    return rendered


@pytest.mark.parametrize(
    "storage", ["videos.storage.DurableFileStorage", "tests.videos.storages.ReadsByItself"]
)
def test_it_tells_of_each_piece_it_copies(long_render, use_storage, storage):
    use_storage(storage)
    told = []
    files = library.store(video_id=uuid7(), **long_render, on_chunk=lambda: told.append(1))
    assert len(told) >= len(VIDEO_BYTES) * 300 // File.DEFAULT_CHUNK_SIZE
    with default_storage.open(files.file) as file, default_storage.open(files.poster) as poster:
        assert file.read() == VIDEO_BYTES * 300
        assert poster.read() == POSTER_BYTES


@pytest.mark.parametrize(
    "storage", ["videos.storage.DurableFileStorage", "tests.videos.storages.ReadsByItself"]
)
@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_who_is_told_can_stop_it_and_nothing_is_left(long_render, use_storage, stored_files, storage, pieces):
    use_storage(storage)
    told = []

    def tell():
        if len(told) == pieces:
            raise NotMine
        told.append(1)

    with pytest.raises(NotMine):
        library.store(video_id=uuid7(), **long_render, on_chunk=tell)
    assert stored_files() == []


def test_the_finished_video_goes_too_when_it_is_stopped_at_the_poster(rendered, stored_files):
    def tell():
        if len(stored_files()) == 2:
            raise NotMine

    with pytest.raises(NotMine):
        library.store(video_id=uuid7(), **rendered, on_chunk=tell)
    assert stored_files() == []


def test_files_are_spread_over_folders(rendered):
    folders = {library.store(video_id=uuid7(), **rendered).file.split("/")[1] for _ in range(40)}
    assert len(folders) > 20


def test_a_row_is_part_of_the_callers_transaction(alice, rendered):
    video_id = uuid7()
    files = library.store(video_id=video_id, **rendered)
    details = dataclasses.replace(DETAILS, user_id=alice.pk)
    with transaction.atomic():
        library.add(video_id=video_id, files=files, details=details)
        transaction.set_rollback(True)
    assert not Video.objects.exists()


def test_two_videos_cannot_stand_on_one_file(alice, rendered):
    files = library.store(video_id=uuid7(), **rendered)
    details = dataclasses.replace(DETAILS, user_id=alice.pk)
    library.add(video_id=uuid7(), files=files, details=details)
    with pytest.raises(IntegrityError), transaction.atomic():
        library.add(video_id=uuid7(), files=files, details=details)


def test_discarding_files_that_are_stuck_does_not_raise(rendered, broken_storage, caplog):
    files = library.store(video_id=uuid7(), **rendered)
    broken_storage("KeepsEverything")
    library.discard(files)
    assert files.file in caplog.text
    assert files.poster in caplog.text


HOSTILE = {
    "nul": "\x00",
    "lone surrogate": "\ud83d",
    "z first": 1,
    "a second": {"1e300": 1e300, "-0": -0.0, "big": 10**400, "1.0": 1.0},
    "": [None, True, "</script><script>alert(1)</script>", "'; DROP TABLE videos_video;--"],
    "\u202e": "right to left",
}


def test_metadata_comes_back_as_it_went_in_whatever_it_is(alice, make_video):
    video = Video.objects.get(
        pk=make_video(alice, metadata=HOSTILE, reference_person={"person_id": "\x00"}).pk
    )
    assert repr(video.metadata) == repr(HOSTILE)
    assert list(video.metadata) == list(HOSTILE)
    assert video.reference_person == {"person_id": "\x00"}


def test_what_is_not_json_is_refused(alice, make_video):
    with pytest.raises(ValueError, match="not JSON compliant"):
        make_video(alice, metadata={"n": float("inf")})


def test_row_file_poster_and_picture_go_together(alice, make_video, stored_files, picture):
    video = make_video(alice, source_image=picture)
    assert len(stored_files()) == 3
    assert library.delete(video) is True
    assert stored_files() == []
    assert not Video.objects.exists()


def test_two_videos_cannot_own_one_picture(alice, picture, make_video):
    make_video(alice, source_image=picture)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_video(alice, source_image=picture)


def test_deleting_leaves_other_videos_alone(alice, make_video, stored_files):
    kept, gone = make_video(alice), make_video(alice)
    library.delete(gone)
    assert stored_files() == sorted([kept.file, kept.poster])


def test_deleting_says_when_the_storage_kept_something_and_tries_the_rest(
    alice, make_video, picture, broken_storage, stored_files, caplog
):
    video = make_video(alice, source_image=picture)
    broken_storage("KeepsPosters")
    assert library.delete(video) is False
    assert stored_files() == sorted([video.poster, picture])
    assert video.poster in caplog.text
    assert not Video.objects.exists()


def test_files_that_are_gone_already_count_as_deleted(alice, make_video):
    video = make_video(alice)
    default_storage.delete(video.file)
    assert library.delete(video) is True


def test_files_stay_when_the_transaction_around_a_deletion_fails(
    alice, make_video, stored_files, django_capture_on_commit_callbacks
):
    video = make_video(alice)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        library.delete_on_commit(video)
        transaction.set_rollback(True)
    assert stored_files() == sorted([video.file, video.poster])
    assert Video.objects.get() == video


def test_files_follow_the_commit_of_the_transaction_around(
    alice, make_video, stored_files, django_capture_on_commit_callbacks
):
    video = make_video(alice)
    with django_capture_on_commit_callbacks(execute=True):
        library.delete_on_commit(video)
        assert len(stored_files()) == 2
    assert stored_files() == []


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_deletes_at_once_succeeds(alice, make_video, stored_files):
    video = make_video(alice)

    def delete(_):
        try:
            return library.delete(video)
        except library.VideoNotFound:
            return "not found"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(delete, range(8)))
    assert sorted(map(str, results)) == ["True"] + ["not found"] * 7
    assert stored_files() == []


@pytest.mark.django_db(transaction=True)
def test_deleting_refuses_to_remove_files_before_a_commit(alice, make_video, stored_files):
    video = make_video(alice)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        library.delete(video)
    assert len(stored_files()) == 2


def test_a_favourite_is_set_and_unset_and_the_row_says_when(alice, make_video):
    video = make_video(alice)
    assert video.updated_at == video.created_at
    Video.objects.update(created_at=Now() - HOUR, updated_at=Now() - HOUR)
    marked = library.set_favorite(video, is_favorited=True)
    assert marked.is_favorited
    assert marked.updated_at - marked.created_at >= HOUR
    assert not library.set_favorite(marked, is_favorited=False).is_favorited


def test_a_change_is_never_earlier_than_its_video(alice, make_video):
    for _ in range(20):
        marked = library.set_favorite(make_video(alice), is_favorited=True)
        assert marked.updated_at >= marked.created_at


def test_a_favourite_that_was_deleted_meanwhile_is_not_found(alice, make_video):
    video = make_video(alice)
    library.delete(video)
    with pytest.raises(library.VideoNotFound):
        library.set_favorite(video, is_favorited=True)


def test_removing_a_user_removes_their_rows(alice, bob, make_video):
    make_video(alice)
    bobs = make_video(bob)
    alice.delete()
    assert list(Video.objects.all()) == [bobs]


@pytest.mark.parametrize("favorites_only", [False, True])
def test_the_list_is_read_from_its_index(alice, favorites_only):
    rows = library.listed(user_id=alice.pk, favorites_only=favorites_only, generation_type=None)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = rows.explain()
    assert ("video_favorites" if favorites_only else "video_newest") in plan
    assert "SORT" not in plan.upper().replace("VIDEO_FAVORITES", "")


def test_storage_names_are_not_paths(alice, make_video, media):
    video = make_video(alice)
    assert not os.path.isabs(video.file)
    assert str(media) not in video.file
