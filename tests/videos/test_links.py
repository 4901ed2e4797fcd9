"""A link opens one file of one video, for a while."""

import re
import time

import pytest
from django.core import signing
from rest_framework.test import APIRequestFactory

from videos import library, links
from videos.models import Video

NOW = 1_800_000_000  # a whole step of a link's life


@pytest.fixture
def life(settings):
    settings.MEDIA_URL_SECONDS = 3600
    return 3600


@pytest.fixture
def video():
    return Video(file="videos/a.mp4", poster="videos/a.jpg")


@pytest.fixture
def token(video, life):
    return links.sign(video.pk, links.VIDEO, expires=links.expiry(NOW))


def test_a_link_gives_its_video_and_the_time_left(video, token, life):
    assert links.read(token, links.VIDEO, now=NOW) == links.Link(video_id=video.pk, seconds_left=life)


def test_a_link_lives_to_its_last_second_and_not_longer(token, life):
    assert links.read(token, links.VIDEO, now=NOW + life - 0.1).seconds_left == 1
    with pytest.raises(links.LinkExpired):
        links.read(token, links.VIDEO, now=NOW + life)


def test_links_of_one_time_are_alike_so_that_caches_are_of_use(life):
    step = life / links.STEPS
    assert links.expiry(NOW + step - 1) == links.expiry(NOW)
    assert links.expiry(NOW + step) == links.expiry(NOW) + step


@pytest.mark.parametrize("life", [1, 3, 7, 8, 100, 3600, 86400])
def test_no_link_outlives_the_setting_or_is_much_shorter(settings, life):
    settings.MEDIA_URL_SECONDS = life
    lives = [links.expiry(NOW + second) - (NOW + second) for second in range(0, 9999, 7)]
    assert max(lives) <= life
    assert min(lives) > life * 7 / 8 - 1


@pytest.mark.parametrize("name", [links.POSTER, links.SOURCE, "../settings.py", ""])
def test_a_link_of_the_video_opens_nothing_else(token, name):
    with pytest.raises(links.LinkNotFound):
        links.read(token, name, now=NOW)


def tampered(token):
    video_id, expires, signature = token.split(".")
    yield f"{'0' * 32}.{expires}.{signature}"
    yield f"{video_id}.{int(expires) + 1}.{signature}"
    yield f"{video_id}.{expires}.{signature[::-1]}"
    yield f"{video_id}.{expires}."
    yield f"{video_id}.{expires}"
    yield video_id
    yield "."
    yield "é" * 40
    yield "\x00"
    yield token + "x"
    yield signing.dumps(video_id)


def test_no_changed_link_opens_anything(token):
    for changed in tampered(token):
        with pytest.raises(links.LinkNotFound):
            links.read(changed, links.VIDEO, now=NOW)


def test_links_survive_a_change_of_the_secret_key_while_the_old_one_is_listed(token, settings):
    settings.SECRET_KEY, old = "n" * 60, settings.SECRET_KEY
    with pytest.raises(links.LinkNotFound):
        links.read(token, links.VIDEO, now=NOW)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert links.read(token, links.VIDEO, now=NOW)


def test_an_address_is_absolute_when_a_request_says_where_we_are(video):
    request = APIRequestFactory().get("/", SERVER_NAME="localhost", secure=True)
    assert links.poster_url(video, request).startswith("https://localhost/videos/files/")
    assert links.poster_url(video).startswith("/videos/files/")


@pytest.mark.parametrize(
    ("uploaded", "given", "shown"),
    [
        ("", "", None),
        ("", "https://example.com/cat.png", "https://example.com/cat.png"),
        ("uploads/cat.jpg", "", "/videos/files/"),
    ],
)
def test_the_source_picture_is_ours_or_the_users_or_none(video, uploaded, given, shown):
    video.source_image, video.source_image_url = uploaded, given
    url = links.source_url(video)
    assert url == shown or url.startswith(shown)


def test_a_stranger_with_the_link_needs_nothing_else(client, alice, make_video):
    assert client.head(links.video_url(make_video(alice))).status_code == 200


@pytest.mark.django_db
def test_a_changed_link_answers_as_an_unknown_address_does(client, video):
    url = links.video_url(video)
    response = client.get(url.replace(".", ".0", 1))
    assert response.status_code == 404
    assert response.json()["error_code"] == "not_found"
    assert response["Content-Type"] == "application/problem+json"


def test_an_expired_link_says_what_to_do(client, alice, make_video):
    token = links.sign(make_video(alice).pk, links.VIDEO, expires=int(time.time()))
    response = client.get(f"/videos/files/{token}/video.mp4")
    assert response.status_code == 403
    assert response.json()["error_code"] == "permission_denied"
    assert "expired" in response.json()["error"]
    assert response["Cache-Control"] == "no-store"


def test_the_link_of_a_deleted_video_opens_nothing(client, alice, make_video):
    video = make_video(alice)
    library.delete(video)
    assert client.get(links.video_url(video)).status_code == 404


def test_a_cache_may_keep_a_file_only_as_long_as_its_link_lives(client, alice, make_video):
    token = links.sign(make_video(alice).pk, links.VIDEO, expires=int(time.time()) + 600)
    cache = client.head(f"/videos/files/{token}/video.mp4")["Cache-Control"]
    max_age = int(re.fullmatch(r"private, max-age=(\d+), immutable", cache)[1])
    assert 590 <= max_age <= 600
