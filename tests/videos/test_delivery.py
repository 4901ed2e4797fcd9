"""What a player gets from the file's address, in Django's test clients."""

import asyncio
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import AsyncClient
from django.utils.http import http_date

from tests.videos.conftest import POSTER_BYTES, VIDEO_BYTES
from videos import delivery, library, links
from videos.models import Video

SIZE = len(VIDEO_BYTES)


@pytest.fixture
def video(alice, make_video):
    return make_video(alice)


@pytest.fixture
def url(video):
    return links.video_url(video)


def test_the_whole_file_with_everything_a_player_needs_to_know(client, url, video):
    response = client.get(url)
    assert response.status_code == 200
    assert response.getvalue() == VIDEO_BYTES
    assert response["Content-Type"] == "video/mp4"
    assert response["Content-Length"] == str(SIZE)
    assert response["Accept-Ranges"] == "bytes"
    assert response["Last-Modified"] == http_date(video.created_at.timestamp())
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'inline; filename="video-{video.pk}.mp4"'
    assert response["ETag"].startswith('"')
    assert "Content-Range" not in response


def test_the_poster(client, video):
    response = client.get(links.poster_url(video))
    assert response.getvalue() == POSTER_BYTES
    assert response["Content-Type"] == "image/jpeg"


def test_a_video_without_a_picture_has_no_picture(client, video):
    token = links.sign(video.pk, links.SOURCE, expires=links.expiry(time.time()))
    assert client.get(f"/videos/files/{token}/source").status_code == 404


@pytest.mark.parametrize(
    ("head", "media_type", "suffix"),
    [
        (b"\xff\xd8\xff\xe1", "image/jpeg", ".jpg"),
        (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
        (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp", ".webp"),
        (b"\x00\x00\x00 ftypavif", "image/avif", ".avif"),
        (b"<svg onload=alert(1)>", "application/octet-stream", ""),
        (b"<!doctype html><script>", "application/octet-stream", ""),
        (b"", "application/octet-stream", ""),
    ],
)
def test_an_uploaded_picture_is_sent_as_what_it_is(client, alice, make_video, head, media_type, suffix):
    name = default_storage.save("uploads/picture", ContentFile(head))
    video = make_video(alice, source_image=name)
    response = client.get(links.source_url(video))
    assert response.getvalue() == head
    assert response["Content-Type"] == media_type
    assert response["Content-Disposition"] == f'inline; filename="source-{video.pk}{suffix}"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_picture_that_was_lost_is_not_found(client, alice, make_video):
    url = links.source_url(make_video(alice, source_image="uploads/lost"))
    assert client.get(url).status_code == 404


def test_it_can_be_saved_under_a_name(client, url, video):
    response = client.head(f"{url}?download=1")
    assert response["Content-Disposition"] == f'attachment; filename="video-{video.pk}.mp4"'


@pytest.mark.parametrize("accept", ["video/*", "image/webp", "text/html", "nonsense"])
def test_accept_is_no_reason_to_refuse_a_player(client, url, accept):
    assert client.head(url, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-1", 0, 1), ("bytes=100-", 100, SIZE - 1), ("bytes=-5", SIZE - 5, SIZE - 1)],
)
def test_a_range_is_answered_with_its_bytes(client, url, header, start, end):
    response = client.get(url, headers={"Range": header})
    assert response.status_code == 206
    assert response.getvalue() == VIDEO_BYTES[start : end + 1]
    assert response["Content-Range"] == f"bytes {start}-{end}/{SIZE}"
    assert response["Content-Length"] == str(end - start + 1)
    assert response["ETag"] == client.head(url)["ETag"]


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2"])
def test_a_range_that_makes_no_sense_gets_the_whole_file(client, url, header):
    response = client.get(url, headers={"Range": header})
    assert response.status_code == 200
    assert response.getvalue() == VIDEO_BYTES


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=-0"])
def test_a_range_past_the_end_is_a_problem_that_names_the_size(client, url, header):
    response = client.get(url, headers={"Range": header})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["error_code"] == "range_not_satisfiable"


def test_head_tells_the_whole_size_and_sends_nothing(client, url):
    response = client.head(url, headers={"Range": "bytes=0-1"})
    assert response.status_code == 200
    assert response["Content-Length"] == str(SIZE)
    assert response.content == b""


def test_who_has_the_file_already_gets_304(client, url):
    first = client.head(url)
    for headers in (
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": f'"other", W/{first["ETag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first["Last-Modified"]},
        {"If-None-Match": first["ETag"], "Range": "bytes=0-1"},
    ):
        response = client.get(url, headers=headers)
        assert response.status_code == 304, headers
        assert response["ETag"] == first["ETag"]
        assert "max-age" in response["Cache-Control"]
        assert response.content == b""


def test_who_has_another_file_gets_this_one(client, url):
    first = client.head(url)
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": first["Last-Modified"]},
        {"If-Modified-Since": http_date(0)},
        {"If-Modified-Since": "yesterday"},
    ):
        assert client.head(url, headers=headers).status_code == 200, headers


def test_if_range_resumes_the_same_file_and_starts_another_over(client, url):
    first = client.head(url)
    for condition, status in [
        (first["ETag"], 206),
        (first["Last-Modified"], 206),
        ('"other"', 200),
        (f"W/{first['ETag']}", 200),  # RFC 9110 13.1.5: a weak one never matches
        (http_date(0), 200),
        ("nonsense", 200),
    ]:
        response = client.get(url, headers={"Range": "bytes=1-2", "If-Range": condition})
        assert response.status_code == status, condition
        assert response.getvalue() == (VIDEO_BYTES[1:3] if status == 206 else VIDEO_BYTES)


def test_if_range_of_another_file_makes_a_range_past_the_end_harmless(client, url):
    response = client.get(url, headers={"Range": "bytes=99999-", "If-Range": '"other"'})
    assert response.status_code == 200
    response.getvalue()


def test_conditions_that_do_not_hold_are_a_problem(client, url):
    for headers in ({"If-Match": '"other"'}, {"If-Unmodified-Since": http_date(1)}):
        response = client.get(url, headers=headers)
        assert response.status_code == 412
        assert response.json()["error_code"] == "precondition_failed"


def test_other_content_has_another_etag(client, alice, make_video):
    etags = {client.head(links.video_url(make_video(alice)))["ETag"] for _ in range(2)}
    assert len(etags) == 2


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_file_that_was_lost_is_not_found_and_logged(client, url, video, method, caplog):
    default_storage.delete(video.file)
    response = getattr(client, method)(url)
    assert response.status_code == 404
    assert video.file in caplog.text


def test_a_storage_that_is_away_is_unavailable_for_now(client, url, broken_storage):
    broken_storage("Away")
    response = client.get(url)
    assert response.status_code == 503
    assert response.json()["error_code"] == "unavailable"
    assert response["Retry-After"]


def test_an_empty_file_is_empty(client, alice, rendered, make_video):
    rendered["video"].write_bytes(b"")
    response = client.get(links.video_url(make_video(alice)))
    assert response.status_code == 200
    assert response.getvalue() == b""


def test_a_file_of_many_chunks_is_whole_and_each_chunk_small(client, alice, rendered, make_video):
    content = bytes(range(251)) * 5000
    rendered["video"].write_bytes(content)
    response = client.get(links.video_url(make_video(alice)), headers={"Range": "bytes=7-"})
    chunks = list(response.streaming_content)
    assert b"".join(chunks) == content[7:]
    assert max(map(len, chunks)) == delivery.CHUNK


@pytest.mark.django_db(transaction=True)
def test_an_asgi_client_gets_the_same_bytes(url):
    async def fetch():
        response = await AsyncClient().get(url, headers={"Range": "bytes=10-19"})
        chunks = [chunk async for chunk in response.streaming_content]
        return response, b"".join(chunks)

    response, body = asyncio.run(fetch())
    assert response.status_code == 206
    assert body == VIDEO_BYTES[10:20]


def test_a_deletion_does_not_cut_off_who_is_watching(client, url, video):
    response = client.get(url)
    library.delete(video)
    assert response.getvalue() == VIDEO_BYTES
    assert not Video.objects.exists()
