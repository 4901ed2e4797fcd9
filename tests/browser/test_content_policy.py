"""Every page of ours works under its Content-Security-Policy: no browser has anything to complain of."""

import re
from urllib.parse import urlsplit

import pytest

from tests.browser import staff, studio
from tests.hostile import texts
from videoapi.client import Api

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
MOST_PAGES = 80


def is_refusal(text):
    """Whether the browser complains; that Redoc may not ask a CDN for its maker's logo is as it should be."""
    return "Content Security Policy" in text and "https://cdn.redoc.ly/redoc/logo" not in text


@pytest.fixture
def visitor(chromium, live):
    """A page that keeps what its browser refuses: `refused`, and dialogs and errors: `happened`."""
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.refused, page.happened = [], []
    page.on("console", lambda said: is_refusal(said.text) and page.refused.append(said.text))
    page.on("pageerror", lambda error: page.happened.append(str(error)))
    page.on("dialog", lambda dialog: (page.happened.append(dialog.message), dialog.dismiss()))
    yield page
    context.close()


@pytest.fixture(scope="module")
def finished(live):
    """A finished job of a user whose words are all hostile."""
    api = Api(live.url, live.token("mallory"))
    fields = {"prompt": texts.MARKUP, "metadata": {texts.MARKUP: texts.MARKUP}, "model": "rehearsal"}
    receipt = api.submit("/videos/generate", key="finished", json={**fields, "resolution": "sd_480p"})
    for _ in api.follow(receipt["job_id"]):
        pass
    api.close()
    return receipt["job_id"]


@pytest.mark.parametrize(
    "path", ["/login", "/docs", "/redoc", "/schema", "/healthz", "/nowhere", "/admin/login/"]
)
def test_an_open_page_keeps_to_its_policy(visitor, path):
    answer = visitor.goto(path)
    visitor.wait_for_load_state("networkidle")
    assert answer.headers["content-security-policy"]
    assert "\n".join(visitor.refused) == ""
    assert visitor.happened == []


def test_the_studio_keeps_to_its_policy(page):
    refused = []
    page.on("console", lambda said: "Content Security Policy" in said.text and refused.append(said.text))
    page.reload()
    page.locator("#image").set_input_files(
        {"name": "teal.png", "mimeType": "image/png", "buffer": studio.picture()}
    )
    page.locator("#preview").wait_for()
    studio.make(page, texts.MARKUP).locator(".poster").click()
    studio.wait_until_playing(page, "#player-video")
    assert "\n".join(refused) == ""


def test_every_page_of_the_admin_keeps_to_its_policy(visitor, live, finished):
    staff.sign_in(visitor, live)
    seen = crawl(visitor, [f"/admin/jobs/job/{finished}/", "/admin/"])
    assert "\n".join(visitor.refused) == ""
    assert visitor.happened == []
    assert {"/admin/jobs/job/", "/admin/videos/video/", "/admin/accounts/apitoken/add/"} <= seen


def crawl(page, found):
    """Visit every kind of page that links lead to; ids and queries make no kind."""
    seen = set()
    while found and len(seen) < MOST_PAGES:
        path = found.pop(0)
        kind = ID.sub("N", urlsplit(path).path)
        if kind in seen:
            continue
        seen.add(kind)
        answer = page.goto(path)
        assert answer.status == 200, path
        assert "unsafe" not in answer.headers["content-security-policy"]
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        found += [urlsplit(link).path for link in links if urlsplit(link).path.startswith("/admin/")]
    return seen
