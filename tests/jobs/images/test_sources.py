"""Pictures from URLs and from our storage, and whose fault it is when there is none."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from jobs import images, pictures
from jobs.providers.base import FailureCode, ProviderError
from tests.jobs import servers
from tests.jobs.images.pictures import encoded, plain


def from_url(url, folder, failure=FailureCode.INVALID_IMAGE):
    original = pictures.fetched(url, folder / "image.original", failure=failure)
    return images.prepare(original, folder, failure=failure)


def from_storage(stored, name, folder):
    original = pictures.uploaded(stored, name, folder / "image.original")
    return images.prepare(original, folder, failure=FailureCode.INVALID_IMAGE)


class TestFromAUrl:
    def test_it_is_fetched_and_normalised(self, settings, folder):
        body = encoded(plain(), "WEBP")
        with servers.serving(servers.ok(body, b"Content-Type: image/jpeg")) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
            picture = from_url(server.url("/photo.jpg"), folder)
        assert (picture.width, picture.height, picture.format) == (64, 48, "WEBP")
        assert list(folder.iterdir()) == [picture.path]

    @pytest.mark.parametrize(
        ("answer", "retryable"),
        [
            pytest.param(servers.ok(b"<html>"), False, id="no-picture"),
            pytest.param(servers.status(404), False, id="not-found"),
            pytest.param(servers.status(503), True, id="busy"),
            pytest.param(servers.redirect("http://169.254.169.254/"), False, id="metadata"),
            pytest.param(servers.silent, True, id="too-slow"),
            pytest.param(servers.flood(b"HTTP/1.0 200 OK\r\n\r\n", b"\0" * 65536), False, id="endless"),
        ],
    )
    @pytest.mark.parametrize("failure", [FailureCode.INVALID_IMAGE, FailureCode.REFERENCE_ERROR])
    def test_what_goes_wrong_has_a_code_and_says_whether_another_try_may_help(
        self, answer, retryable, failure, settings, folder
    ):
        if answer == servers.silent:
            settings.OUTBOUND_TIMEOUT_SECONDS = 0.5
        settings.MAX_UPLOAD_BYTES = 200_000
        with servers.serving(answer) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
            with pytest.raises(ProviderError) as caught:
                from_url(server.url(), folder, failure=failure)
        assert (caught.value.code, caught.value.retryable) == (failure, retryable)
        assert list(folder.iterdir()) == []

    def test_staff_are_told_what_the_server_called_it(self, settings, folder):
        answer = servers.ok(b"<html>", b"Content-Type: text/html")
        with servers.serving(answer) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
            with pytest.raises(ProviderError, match="It was sent as text/html"):
                from_url(server.url(), folder)

    def test_a_private_address_is_refused(self, folder):
        with pytest.raises(ProviderError, match="not public") as caught:
            from_url("http://127.0.0.1/photo.jpg", folder)
        assert not caught.value.retryable


class TestFromStorage:
    def test_an_upload_is_normalised(self, folder):
        name = default_storage.save("uploads/1", ContentFile(encoded(plain(), "PNG")))
        picture = from_storage(name, "My photo.PNG", folder)
        assert picture.format == "PNG"
        assert list(folder.iterdir()) == [picture.path]

    def test_an_upload_that_is_not_what_its_name_says(self, folder):
        name = default_storage.save("uploads/1", ContentFile(encoded(plain(), "PNG")))
        with pytest.raises(ProviderError) as caught:
            from_storage(name, "photo.jpg", folder)
        assert (caught.value.code, caught.value.retryable) == (FailureCode.INVALID_IMAGE, False)
        assert list(folder.iterdir()) == []

    def test_a_storage_that_has_lost_it_is_not_the_users_fault(self, folder):
        with pytest.raises(ProviderError) as caught:
            from_storage("uploads/none", "photo.jpg", folder)
        assert (caught.value.code, caught.value.retryable) == (FailureCode.INTERNAL_ERROR, True)
