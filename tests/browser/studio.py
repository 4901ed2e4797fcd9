"""The studio as a person sees it: what the tests of it do and look for again and again."""

import contextlib
import io
import time

from PIL import Image
from playwright.sync_api import expect

PROMPT = "A calm sea at sunset"
MAKING = 60_000  # milliseconds that a small video may take on a busy machine
HAS_PROGRESS = "(share) => (document.querySelector('.job progress')?.value ?? 0) > share"
# What a browser does when another tab is looked at (false), or this one again (true).
LOOK = """
(isSeen) => {
  Object.defineProperty(document, "hidden", {value: !isSeen, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


def order(page, prompt=PROMPT, *, model="rehearsal", resolution="480p"):
    """Fill the form and send it."""
    choose(page, model=model, resolution=resolution)
    page.get_by_label("Your idea").fill(prompt)
    page.get_by_role("button", name="Make the video").click()


def choose(page, *, model="rehearsal", resolution="480p"):
    page.get_by_label("Model").select_option(model)
    page.locator("#resolution").get_by_text(resolution, exact=True).click()


def make(page, prompt=PROMPT):
    """Have a video made, and return its tile in the library."""
    before = tiles(page).count()
    order(page, prompt)
    expect(tiles(page)).to_have_count(before + 1, timeout=MAKING)
    return tiles(page).first


def tiles(page):
    return page.locator("#library .tile:not(.skeleton)")


def cards(page):
    return page.locator("#jobs .job")


def wait_for_library(page, count):
    """Return once the server has so many videos of the user, whatever the page shows."""
    wait_until(page, lambda: page.request.get("/videos").json()["pagination"]["total"] == count)


def wait_until(page, condition):
    """Return once `condition()` is true; the page goes on meanwhile."""
    deadline = time.monotonic() + MAKING / 1000
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)


def expect_balance(page, dust):
    expect(page.locator("#balance-text")).to_have_text(f"{dust} DUST", timeout=MAKING)


def submit(page, prompt, *, model):
    """Order a video as the same user, past the page; return the answer."""
    asked = {"prompt": prompt, "model": model}
    return page.request.post("/videos/generate", data=asked, headers={"Origin": page.url.rstrip("/")})


@contextlib.contextmanager
def first_answer_lost(page, path, *, arrived):
    """Let the first request to `path`, which the block sends, get no answer for as long as the page stays.

    `arrived` says whether the server got it. On the block's end it is held, and all later ones pass.
    """
    held = []

    def hold(route):
        if held:
            route.continue_()
            return
        if arrived:
            route.fetch()
        held.append(route)

    page.route(path, hold)
    yield
    while not held:
        page.evaluate("() => new Promise((done) => setTimeout(done, 50))")


@contextlib.contextmanager
def results_held(page):
    """Have the cards of completed jobs stay until the block ends: nobody answers for their videos."""
    path, held = "**/videos/jobs/*/result", []
    page.route(path, lambda route: held.append(route))
    yield
    page.unroute(path)
    for route in held:
        route.continue_()


def picture(color="teal", size=(300, 200)):
    """Return a picture's bytes."""
    content = io.BytesIO()
    Image.new("RGB", size, color).save(content, "PNG")
    return content.getvalue()


def wait_until_playing(page, selector):
    """Return once the video's time moves."""
    page.wait_for_function(
        "selector => (document.querySelector(selector)?.currentTime ?? 0) > 0.2",
        arg=selector,
        timeout=MAKING,
    )
