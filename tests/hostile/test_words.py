"""Words that look like markup, scripts or spreadsheet formulas are words wherever they come out again."""

import html
import json
import re

import pytest

from accounts import tokens
from accounts.models import User
from dust import ledger
from jobs import lifecycle
from jobs.models import Job
from tests.hostile.texts import LIVE, WORDS
from tests.jobs.making import order_for
from tests.videos.conftest import make_video, rendered  # noqa: F401 - fixtures

ids = pytest.mark.parametrize("words", WORDS, ids=ascii)


def live_parts(page):
    """What of a page would run or open something; and a cell whose text was bent is no answer either."""
    return [live for live in LIVE if live in page]


def shows(page, words):
    """Whether they stand there in full, each character that could be markup as an entity."""
    return html.escape(words.strip()) in page


@pytest.fixture
def mallory(db):
    """A user who is called what nobody should be: written past the checks that every front door makes."""

    def make(words):
        return User.objects.create(
            username=words[:150], email=f"{len(words)}@example.com", first_name=words[:150]
        )

    return make


@ids
def test_the_api_gives_them_back_as_they_came_in_json(words, api):
    asked = {"prompt": words, "metadata": {words: [words]}, "reference_person": {"person_id": words}}
    made = api.post("/videos/generate", asked, format="json")
    assert made.status_code == 202, made.content
    listed = api.get("/videos/jobs")
    [job] = listed.json()["jobs"]
    assert (job["prompt"], job["metadata"]) == (words.strip(), {words: [words]})
    for answer in (made, listed):
        assert answer["Content-Type"] == "application/json"
        assert answer["X-Content-Type-Options"] == "nosniff"


@ids
def test_a_problem_that_repeats_them_is_a_problem_document(words, api):
    for answer in (
        api.post("/videos/generate", {words: 1, "prompt": "a"}, format="json"),
        api.post("/videos/generate", {"prompt": "a", "model": words[:60]}, format="json"),
        api.get("/videos/jobs", {"status": words}),
        api.get("/" + words.replace("?", "").replace("#", "").replace("\t", "")),
    ):
        assert answer.status_code in (400, 404)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert json.loads(answer.content)["success"] is False


@ids
def test_no_page_of_the_admin_runs_them(words, client, charlie, mallory, make_video):  # noqa: F811
    user = mallory(words)
    token, _ = tokens.issue(user, name=words[:100])
    account = ledger.open_account(user.pk)
    ledger.grant(account.pk, 50, key="k", actor=words[:100], reason=words[:200])
    order = order_for(user, prompt=words, metadata={words: words}, upload_name=words[:200])
    job = lifecycle.submit(order)
    lifecycle.cancel(job, actor=words[:100], reason=words)
    video = make_video(user, prompt=words, metadata={words: words})
    client.force_login(charlie)
    silent = (  # they name a user by the address, and a job and a video by the id
        "/admin/",
        "/admin/jobs/job/",
        "/admin/jobs/remotetask/margin/",
        f"/admin/jobs/job/{job.id}/history/",
        f"/admin/jobs/job/{job.id}/rerun/",
        f"/admin/videos/video/{video.pk}/delete/",
    )
    showing = (
        f"/admin/jobs/job/{job.id}/change/",
        "/admin/videos/video/",
        f"/admin/videos/video/{video.pk}/change/",
        "/admin/accounts/user/",
        f"/admin/accounts/user/{user.pk}/change/",
        "/admin/accounts/apitoken/",
        f"/admin/accounts/apitoken/{token.pk}/change/",
        "/admin/dust/account/",
        f"/admin/dust/account/{account.pk}/change/",
        f"/admin/dust/account/{account.pk}/grant/",
        "/admin/dust/transfer/",
    )
    for path in (*silent, *showing):
        answer = client.get(path)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert live_parts(page) == [], path
        assert shows(page, words) == (path in showing), path


@ids
def test_what_staff_type_is_shown_inert_in_search_message_and_history(words, client, charlie, alice):
    client.force_login(charlie)
    job = lifecycle.submit(order_for(alice))
    pages = [client.get(path, {"q": words}) for path in ("/admin/jobs/job/", "/admin/accounts/user/")]
    done = client.post(f"/admin/jobs/job/{job.id}/cancel/", {"reason": words}, follow=True)
    assert Job.objects.get().status == "cancelled"
    pages += [done, client.get(f"/admin/jobs/job/{job.id}/history/")]
    for page in pages:
        assert page.status_code == 200
        assert live_parts(page.content.decode()) == []
        assert shows(page.content.decode(), words)
    assert live_parts(client.get("/admin/").content.decode()) == []  # which tells of no single job


@ids
def test_the_sign_in_page_repeats_a_name_as_words(words, client, db):
    page = client.post("/login", {"username": words, "password": "x", "next": words}).content.decode()
    assert live_parts(page) == []
    assert shows(page, words)
    assert not re.search(r'(href|action)="\s*javascript', page)
