"""Each kind of answer has the policy of its kind; tests/browser looks whether the pages can live with it."""

import pytest

from tests.videos.conftest import make_video, rendered  # noqa: F401 - fixtures
from videos import links

PAGES = ["/login", "/admin/login/", "/docs", "/redoc"]
DATA = [
    "/healthz",
    "/schema",
    "/videos/jobs",
    "/nowhere",
    "/static/img/icon.svg",
    "/videos/files/a/video.mp4",
]


def policy_of(answer):
    answer.getvalue()  # to its end, which closes a file
    parts = [part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; ")]
    return {name: rest[0] if rest else "" for name, *rest in parts}


def must_be_strict(answer):
    policy = policy_of(answer)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "http" not in answer["Content-Security-Policy"]
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    return policy


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_files_of_ours_only(client, db, path):
    answer = client.get(path)
    assert answer["Content-Type"].startswith("text/html")
    policy = must_be_strict(answer)
    assert policy["script-src"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] in ("'self'", "'none'")
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", DATA)
def test_data_may_do_nothing(client, db, path):
    policy = must_be_strict(client.get(path))
    assert "script-src" not in policy
    assert policy["form-action"] == "'none'"


def test_refusals_and_redirects_have_one_too(client, db):
    for answer in (
        client.get("/"),
        client.get("/login", headers={"host": "elsewhere.example"}),
        client.post("/videos/generate", "{", content_type="application/json"),
        client.options("/videos"),
    ):
        must_be_strict(answer)


def test_a_file_is_in_a_sandbox(client, alice, make_video):  # noqa: F811
    answer = client.get(links.video_url(make_video(alice)), headers={"range": "bytes=0-3"})
    assert answer.status_code == 206
    policy = policy_of(answer)
    assert policy["sandbox"] == ""
    assert policy["default-src"] == "'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
