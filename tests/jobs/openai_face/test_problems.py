"""Every error under `/v1` has the shape of OpenAI's API, wherever it comes from."""

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from rest_framework.test import APIClient

from base.throttles import ReadThrottle
from tests.jobs.openai_face.conftest import error


def test_a_stranger_is_401(db):
    for token in ({}, {"Authorization": "Bearer nonsense"}):
        response = APIClient().get("/v1/videos", headers=token)
        said = error(response, 401)
        assert (said["type"], said["code"]) == ("authentication_error", "invalid_api_key")
        assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/v1/videos/019a2098-5d59-7b0a-8e11-5a3c2f9d1e77/remix"),
        ("post", "/v1/videos/edits"),
        ("post", "/v1/videos/extensions"),
        ("post", "/v1/videos/characters"),
        ("get", "/v1/videos/characters/char_1"),
        ("get", "/v1/videos/video_123"),
        ("get", "/v1/videos/"),
        ("get", "/v1/models"),
        ("post", "/v1/chat/completions"),
        ("get", "/v1"),
        ("get", "/v1/"),
    ],
)
def test_what_is_not_offered_is_404_and_says_what_is(api, method, path):
    said = error(getattr(api, method)(path, {}, format="json"), 404)
    assert said["code"] == "not_found"
    assert "POST and GET /v1/videos" in said["message"]


def test_only_v1_has_this_shape(api):
    assert api.get("/v1x").json()["error_code"] == "not_found"
    assert api.get("/videos/nothing").json()["error_code"] == "not_found"


def test_another_method_is_405_and_names_the_right_ones(api):
    response = api.put("/v1/videos", {}, format="json")
    assert error(response, 405)["code"] == "method_not_allowed"
    assert "POST" in response["Allow"]


def test_too_many_requests_are_429_with_the_time_to_wait(api, monkeypatch):
    monkeypatch.setitem(ReadThrottle.THROTTLE_RATES, "read", "1/min")
    assert api.get("/v1/videos").status_code == 200
    response = api.get("/v1/videos")
    said = error(response, 429)
    assert (said["type"], said["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert int(response["Retry-After"]) >= 1
    assert "x-should-retry" not in response


def test_a_database_that_is_away_is_503_and_worth_another_try(api):
    def refuse(*_):
        raise OperationalError("the connection is lost")

    cache.clear()
    with connection.execute_wrapper(refuse):
        response = api.get("/v1/videos")
    assert error(response, 503)["type"] == "server_error"
    assert int(response["Retry-After"]) >= 1


def test_a_host_that_is_not_ours_is_400(db):
    assert error(Client().get("/v1/videos", headers={"host": "elsewhere.example"}), 400)


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_page_of_ours_needs_no_token_and_no_other_page_gets_in(alice, settings, kind):
    settings.DUST_OPENING_GRANT = 100
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    def post(**headers):
        return client.post("/v1/videos", '{"prompt": "a sea"}', content_type=kind, headers=headers)

    assert post(**SAME_ORIGIN).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        assert error(post(**{"Sec-Fetch-Site": site}), 403)["code"] == "permission_denied"
    assert error(post(), 403)
    made = client.get("/v1/videos").json()["data"]
    assert len(made) == 1
    assert error(client.delete(f"/v1/videos/{made[0]['id']}"), 403)
    assert client.delete(f"/v1/videos/{made[0]['id']}", headers=SAME_ORIGIN).status_code == 200


def test_a_form_of_another_site_is_refused_too(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/v1/videos", {"prompt": "a sea"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert error(response, 403)
