"""A real Chromium and a real installation for it to visit."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.live import Installation

PASSWORD = "open-sesame-42"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


# While it is open an event loop runs in this thread, and other modules' tests could start none.
@pytest.fixture(scope="module")
def chromium():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium.")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    with Installation(tmp_path_factory.mktemp("installation"), DUST_OPENING_GRANT="100") as installation:
        yield installation


@pytest.fixture
def page(chromium, live):
    """A page of its own, signed in as a new user, that fails the test on any script error."""
    name = f"ada{os.urandom(4).hex()}"
    live.token(name)
    live.manage("shell", "--no-imports", "-c", SET_PASSWORD.format(name=name, password=PASSWORD))
    context = chromium.new_context(base_url=live.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(live.url + "/")
    yield page
    context.close()
    assert errors == []


SET_PASSWORD = """
from accounts.models import User
user = User.objects.get(username="{name}")
user.set_password("{password}")
user.save(update_fields=["password"])
"""
