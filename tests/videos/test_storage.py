"""What is saved is on the disk, or save() says that it is not and leaves nothing."""

import errno
import os
import resource

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import TemporaryUploadedFile

from base.ids import uuid7
from videos import library, storage
from videos.storage import DurableFileStorage

CONTENT = bytes(range(256)) * 1000


def test_it_is_the_storage_of_the_product_and_of_these_tests():
    assert settings.STORAGES["default"]["BACKEND"] == "videos.storage.DurableFileStorage"
    assert isinstance(storages["default"], DurableFileStorage)


@pytest.mark.parametrize("name", ["a.mp4", "videos/ab/a.mp4"])
def test_what_is_saved_can_be_read_under_the_name_it_returns(media, name):
    assert DurableFileStorage(location=media).save(name, ContentFile(CONTENT)) == name
    assert (media / name).read_bytes() == CONTENT


def test_a_name_that_is_taken_is_not_overwritten(media):
    durable = DurableFileStorage(location=media)
    names = [durable.save("a.mp4", ContentFile(content)) for content in (b"first", b"second")]
    assert [(media / name).read_bytes() for name in names] == [b"first", b"second"]


def test_an_upload_that_lies_on_the_disk_already_is_moved_in(media):
    upload = TemporaryUploadedFile("cat.jpg", "image/jpeg", 3, None)
    upload.write(b"cat")
    upload.flush()
    name = DurableFileStorage(location=media).save("uploads/cat.jpg", upload)
    upload.close()
    assert (media / name).read_bytes() == b"cat"


@pytest.fixture
def undurable(media):
    """A storage, and the name of something in it that takes bytes and that no disk confirms: a pipe."""
    media.mkdir()
    os.mkfifo(media / "a.mp4")
    reader = os.open(media / "a.mp4", os.O_RDWR)
    yield DurableFileStorage(location=media, allow_overwrite=True), "a.mp4"
    os.close(reader)


def test_what_the_disk_does_not_confirm_is_an_error_and_leaves_nothing(undurable, media):
    durable, name = undurable
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        durable.save(name, ContentFile(b"a video"))
    assert list(media.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any folder")
def test_a_folder_that_cannot_be_brought_to_the_disk_is_an_error_and_leaves_nothing(media):
    folder = media / "videos"
    folder.mkdir(parents=True)
    folder.chmod(0o300)
    with pytest.raises(PermissionError):
        DurableFileStorage(location=media).save("videos/a.mp4", ContentFile(CONTENT))
    folder.chmod(0o700)
    assert list(folder.iterdir()) == []


def test_a_file_system_that_cannot_sync_folders_is_let_be_and_any_other_fault_is_not(tmp_path):
    storage.sync_folder(tmp_path)
    storage.sync_folder("/proc")
    with pytest.raises(FileNotFoundError):
        storage.sync_folder(tmp_path / "gone")


@pytest.fixture
def no_room():
    """No file of this process may grow past 100 KB: a full disk, as the kernel tells of it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_is_really_full_leaves_nothing_of_a_video(rendered, stored_files, request):
    rendered["video"].write_bytes(CONTENT)
    request.getfixturevalue("no_room")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        library.store(video_id=uuid7(), **rendered)
    assert stored_files() == []
