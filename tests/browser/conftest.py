"""A real Chromium and a real installation for it to visit."""

import json
import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import held
from tests.live import Installation
from tests.remote.cases import CASES

PASSWORD = "open-sesame-42"
USUAL = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}  # painted by the processor
PEOPLE = 80
expect.set_options(timeout=30_000)  # milliseconds: the machine may be busy
MOST_ACTIVE = 5  # unfinished jobs of one of them
MAKE = """
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from accounts.models import User
from dust import ledger

password = make_password("{password}")
with transaction.atomic():
    for number in range({count}):
        user = User.objects.create(username=f"ada{{number}}", password=password)
        ledger.open_account(user.pk)
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        print(user.username, session.session_key)
"""
REHEARSAL = {"provider": "jobs.providers.rehearsal.Rehearsal", "seconds_of_work": 0.4}
MODELS = {
    # its queue is nobody's: what is asked of it waits until it is cancelled
    "patient": {**REHEARSAL, "title": "Patient", "queue": "nobodys"},
    "modest": {
        **REHEARSAL,
        "title": "Modest",
        "generation_types": ["text_to_video"],
        "durations": ["short"],
        "resolutions": ["sd_480p", "hd_720p"],
        "aspect_ratios": ["16:9", "1:1"],
    },
}
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


@pytest.fixture(scope="package")
def far_away():
    """A provider of videos that take an hour, for the model `far`; it stops them when it is asked to."""
    with CASES[0].stand_in(takes=3600.0) as server:
        yield server


@pytest.fixture(scope="package")
def live(tmp_path_factory, far_away, gate_of_held):
    far = CASES[0].entry(far_away)
    far["remote"] = {**far["remote"], "key": "FAR_KEY", "poll_seconds": 0.2}
    environment = {
        "CANCEL_RUNNING": "true",
        "FAR_KEY": far_away.key,
        "WORKER_QUEUES": "render=2,remote=1",
        "DUST_OPENING_GRANT": "100",
        "MAX_ACTIVE_JOBS": str(MOST_ACTIVE),
        "RATE_LOGIN": "1000/min",  # from one address, in less than a minute
        "VIDEO_MODELS": json.dumps({**MODELS, "far": far, "held": held.entry(gate_of_held)}),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **environment) as installation:
        yield installation


@pytest.fixture(scope="package")
def people(live):
    """New users for the taking, each with a session: making them one by one would take longer than a test."""
    made = live.manage("shell", "--no-imports", "-c", MAKE.format(count=PEOPLE, password=PASSWORD))
    return iter([tuple(line.split()) for line in made.splitlines()])


@pytest.fixture
def person(people):
    """A new user with 100 DUST: the name (the password is PASSWORD), and the id of a session."""
    return next(people)


@pytest.fixture
def browse(chromium, live, person):
    """Open a page of its own, signed in as `person` unless told otherwise; a script error fails the test."""
    contexts, errors = [], []

    def open_page(*, signed_in=True, path="/", **options):
        context = chromium.new_context(**{"base_url": live.url, **USUAL, **options})
        contexts.append(context)
        if signed_in:
            context.add_cookies([{"name": "sessionid", "value": person[1], "url": live.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if path:
            page.goto(path)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:  # what their routes still ask for is cut off now
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert errors == []


@pytest.fixture
def page(browse):
    """The studio, signed in as a new user."""
    return browse()
