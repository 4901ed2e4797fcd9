"""Swagger UI and Redoc in a browser: complete, working, and without a word to any other host."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def visitor(chromium, live):
    """A page of nobody's: not signed in. `sent` has what left for the network, `errors` what went wrong."""
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.sent, page.errors = [], []
    page.on("request", lambda request: page.sent.append(request))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()
    assert page.errors == []


@pytest.fixture
def operation_ids(visitor):
    said = visitor.request.get("/schema").json()
    paths = [*said["paths"].values(), *said["webhooks"].values()]  # what we send is shown too
    return {operation["operationId"] for path in paths for operation in path.values()}


def shot(page, name):
    """Keep a picture in the folder SCREENSHOTS, for people to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def strangers(page, live):
    """Addresses elsewhere that a request left for; one that the page's policy stopped never left."""
    urls = [request.url for request in page.sent if request.failure != "csp"]
    return [url for url in urls if urlsplit(url).netloc not in ("", urlsplit(live.url).netloc)]


def test_swagger_ui_shows_every_operation_and_asks_nobody_else(visitor, live, operation_ids):
    visitor.goto("/docs")
    visitor.wait_for_selector(".opblock")
    shown = visitor.locator(".opblock-summary-operation-id").all_inner_texts()
    assert {name.replace("\u200b", "") for name in shown} == operation_ids
    shot(visitor, "docs")
    visitor.locator("#operations-Submit-generateVideo .opblock-summary-control").click()
    visitor.wait_for_selector("#operations-Submit-generateVideo .responses-wrapper")
    visitor.wait_for_load_state("networkidle")
    shot(visitor, "docs-generate")
    assert strangers(visitor, live) == []


def test_swagger_ui_keeps_a_token_and_calls_the_api_with_it(visitor, live):
    token = live.manage("create_token", f"reader{os.urandom(4).hex()}", "--grant=7").strip()
    visitor.goto("/docs")
    visitor.get_by_role("button", name="Authorize").click()
    visitor.get_by_label("auth-bearer-value").fill(token)
    visitor.get_by_role("button", name="Apply credentials").first.click()
    visitor.reload()
    balance = visitor.locator("#operations-DUST-getDustBalance")
    balance.locator(".opblock-summary-control").click()
    balance.locator("button.execute").click()
    answer = balance.locator(".live-responses-table")
    answer.wait_for()
    shot(visitor, "docs-balance")
    assert '"available": ' in answer.inner_text()


def test_redoc_shows_every_operation_and_reaches_nobody_else(visitor, live, operation_ids):
    visitor.goto("/redoc")
    visitor.wait_for_selector("[data-section-id*='operation/']")
    sections = visitor.locator("[data-section-id*='operation/']").all()
    assert {
        element.get_attribute("data-section-id").rpartition("/")[2] for element in sections
    } == operation_ids
    visitor.wait_for_load_state("networkidle")
    shot(visitor, "redoc")
    assert strangers(visitor, live) == []
    assert visitor.get_by_alt_text("redocly logo").count() == 0
