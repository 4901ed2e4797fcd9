"""The clean-up takes old files that no row names, and nothing else."""

import os
import time
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from videos import library, orphans
from videos.models import Video

DAY = timedelta(days=1)


@pytest.fixture
def put(media):
    """Put a file of an age into the storage."""

    def put(name, *, age=timedelta(days=2), content=b"12345"):
        default_storage.save(name, ContentFile(content))
        then = time.time() - age.total_seconds()
        os.utime(media / name, (then, then))
        return name

    return put


@pytest.fixture
def grow_old(media):
    def grow_old():
        for path in media.rglob("*"):
            os.utime(path, (1, 1))

    return grow_old


@pytest.mark.django_db
def test_it_removes_an_old_file_without_a_row_and_says_how_much(put, stored_files):
    put("videos/aa/left.mp4", content=b"123")
    put("videos/left.jpg", content=b"12")
    report = library.remove_orphans(older_than=DAY, dry_run=False)
    assert report == library.OrphanReport(files=2, bytes=5, rows_without_file=0)
    assert stored_files() == []


@pytest.mark.django_db
@pytest.mark.parametrize("folder", [b"aa", b"\xfe"])
def test_a_file_whose_name_is_no_text_is_an_orphan_like_any_other(put, media, stored_files, folder):
    """No row can name it, and asking the database about it would raise."""
    put("videos/aa/left.mp4", content=b"123")
    odd = os.fsencode(media / "videos") + b"/" + folder + b"/\xff.mp4"
    os.makedirs(os.path.dirname(odd), exist_ok=True)
    with open(odd, "wb") as file:
        file.write(b"12")
    os.utime(odd, (1, 1))
    report = library.remove_orphans(older_than=DAY, dry_run=False)
    assert (report.files, report.bytes) == (2, 5)
    assert stored_files() == []


@pytest.mark.django_db
def test_a_dry_run_counts_and_touches_nothing(put, stored_files):
    put("videos/aa/left.mp4", content=b"123")
    report = library.remove_orphans(older_than=DAY, dry_run=True)
    assert (report.files, report.bytes) == (1, 3)
    assert stored_files() == ["videos/aa/left.mp4"]


@pytest.mark.django_db
def test_a_young_file_is_left_to_the_worker_that_may_be_about_to_commit_it(put, stored_files):
    put("videos/aa/new.mp4", age=timedelta(hours=23))
    assert library.remove_orphans(older_than=DAY, dry_run=False).files == 0
    assert stored_files() == ["videos/aa/new.mp4"]


def test_files_of_rows_stay_however_old(alice, make_video, grow_old, stored_files):
    video = make_video(alice)
    grow_old()
    assert library.remove_orphans(older_than=DAY, dry_run=False).files == 0
    assert stored_files() == sorted([video.file, video.poster])


@pytest.mark.django_db
def test_other_prefixes_are_none_of_its_business(put, stored_files):
    put("uploads/picture.jpg")
    put("videos-of-last-year/a.mp4")
    library.remove_orphans(older_than=DAY, dry_run=False)
    assert len(stored_files()) == 2


@pytest.mark.django_db
def test_an_empty_storage_is_no_error(media):
    report = library.remove_orphans(older_than=DAY, dry_run=False)
    assert report == library.OrphanReport(files=0, bytes=0, rows_without_file=0)


def test_the_files_of_a_removed_user_are_found(alice, make_video, grow_old, stored_files):
    make_video(alice)
    alice.delete()
    grow_old()
    assert library.remove_orphans(older_than=DAY, dry_run=False).files == 2
    assert stored_files() == []


def test_what_a_failed_deletion_left_is_found_later(alice, make_video, broken_storage, grow_old):
    video = make_video(alice)
    broken_storage("KeepsPosters")
    library.delete(video)
    grow_old()
    assert library.remove_orphans(older_than=DAY, dry_run=True).files == 1


@pytest.mark.django_db
def test_a_file_that_cannot_be_removed_is_not_counted_and_does_not_stop_the_rest(put, broken_storage, caplog):
    put("videos/aa/stuck.jpg")
    put("videos/aa/loose.mp4")
    broken_storage("KeepsPosters")
    assert library.remove_orphans(older_than=DAY, dry_run=False).files == 1
    assert "stuck.jpg" in caplog.text


@pytest.mark.parametrize("lost", ["file", "poster"])
def test_it_counts_rows_that_lost_a_file(alice, make_video, lost, caplog):
    make_video(alice)
    video = make_video(alice)
    default_storage.delete(getattr(video, lost))
    assert library.remove_orphans(older_than=DAY, dry_run=False).rows_without_file == 1
    assert str(video.pk) in caplog.text


def test_rows_are_counted_beyond_the_first_piece(alice, make_video, monkeypatch):
    monkeypatch.setattr(library, "BATCH", 2)
    for _ in range(5):
        default_storage.delete(make_video(alice).file)
    assert library.remove_orphans(older_than=DAY, dry_run=False).rows_without_file == 5


def test_it_counts_rows_whose_file_was_cut_short_and_says_so(alice, make_video, broken_storage, caplog):
    make_video(alice)
    broken_storage("CutsShort")
    video = make_video(alice)
    assert library.remove_orphans(older_than=DAY, dry_run=False).rows_without_file == 1
    assert f"video {video.pk} has 512 bytes in the storage instead of 1024" in caplog.text


def test_it_counts_rows_whose_file_is_empty(alice, make_video, media, caplog):
    video = make_video(alice)
    (media / video.file).write_bytes(b"")
    assert library.remove_orphans(older_than=DAY, dry_run=False).rows_without_file == 1
    assert f"video {video.pk} has 0 bytes" in caplog.text


def test_a_row_deleted_while_it_counts_is_not_one_that_lost_its_file(alice, make_video, broken_storage):
    video = make_video(alice)
    broken_storage("DeletesTheRow")
    assert library.remove_orphans(older_than=DAY, dry_run=False).rows_without_file == 0
    assert not Video.objects.filter(pk=video.pk).exists()


def test_it_asks_for_rows_in_batches(put):
    for number in range(orphans.BATCH + 1):
        put(f"uploads/{number % 7}/{number}.jpg")
    asked = []

    def known(names):
        asked.append(len(names))
        return {name for name in names if name.endswith("/5.jpg")}

    report = orphans.sweep("uploads", known, older_than=DAY, dry_run=False)
    assert asked == [orphans.BATCH, 1]
    assert report.files == orphans.BATCH
    assert default_storage.exists("uploads/5/5.jpg")


def test_a_row_committed_while_the_storage_is_listed_protects_its_file(put, stored_files):
    name = put("uploads/a.jpg")
    committed_since = {name}
    orphans.sweep("uploads", committed_since.intersection, older_than=DAY, dry_run=False)
    assert stored_files() == [name]


def test_a_file_deleted_by_someone_else_meanwhile_is_not_counted(put, media):
    name = put("uploads/a.jpg")

    def known(names):
        (media / name).unlink()
        return set()

    assert orphans.sweep("uploads", known, older_than=DAY, dry_run=False) == orphans.Report(files=0, bytes=0)


def test_known_names_the_videos_files_and_uploaded_pictures(alice, make_video):
    video = make_video(alice, source_image="uploads/cat.jpg")
    names = [video.file, video.poster, "uploads/cat.jpg", "uploads/dog.jpg", ""]
    assert library.known(names) == {video.file, video.poster, "uploads/cat.jpg"}
