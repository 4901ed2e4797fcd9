"""Entries for Cog servers: mistakes are said at the start."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from jobs import checking
from tests.cog.conftest import PROVIDER

URL = "http://gpu-1:5000"
NAMES = {"duration": "seconds", "width": "width", "height": "height"}
GOOD = {"url": URL, "names": NAMES}
ONE_SIZE = {"resolutions": ["sd_480p"], "aspect_ratios": ["16:9"]}


@pytest.fixture
def mistakes(settings):
    """Return what the checks say about an entry, by id."""

    def found(options, **changes):
        entry = {"title": "Mine", "provider": PROVIDER, "seconds_of_work": 9}
        settings.VIDEO_MODELS = {"mine": {**entry, "options": options, **changes}}
        return [(problem.id, problem.msg) for problem in checking.check(None)]

    return found


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (GOOD, {}),
        ({**GOOD, "url": "https://cog.example.com/models/one/"}, {}),
        ({**GOOD, "fields": {"steps": 5}, "output": "mp4", "patience": 0.5}, {}),
        ({"url": URL}, {"durations": ["short"], **ONE_SIZE}),
        ({"url": URL, "names": {"duration": "seconds"}}, ONE_SIZE),
        ({**GOOD, "names": {**NAMES, "image": ""}}, {"generation_types": ["text_to_video"]}),
        ({**GOOD, "names": {**NAMES, "camera_fixed": "still"}}, {"features": ["seed", "camera_fixed"]}),
    ],
    ids=str,
)
def test_an_entry_that_can_work_is_taken(mistakes, options, changes):
    assert mistakes(options, **changes) == []


@pytest.mark.parametrize(
    ("options", "changes", "word"),
    [
        ({"names": NAMES}, {}, "url has to be"),
        ({**GOOD, "url": "gpu-1:5000"}, {}, "url has to be"),
        ({**GOOD, "url": "ftp://gpu-1"}, {}, "url has to be"),
        ({**GOOD, "url": "http://user:secret@gpu-1"}, {}, "url has to be"),
        ({**GOOD, "url": "http://:secret@gpu-1"}, {}, "url has to be"),
        ({**GOOD, "url": "http://gpu-1/?"}, {}, "url has to be"),
        ({**GOOD, "url": "http://gpu-1/#models"}, {}, "url has to be"),
        ({**GOOD, "url": "http://gpu 1"}, {}, "url has to be"),
        ({**GOOD, "url": "http://[gpu-1"}, {}, "url has to be"),
        ({**GOOD, "url": [URL]}, {}, "url has to be"),
        (URL, {}, "options must be an object"),
        ({**GOOD, "nmes": {}}, {}, "no option nmes"),
        ({**GOOD, "names": "prompt"}, {}, "names must be an object"),
        ({**GOOD, "names": {**NAMES, "duration": ["s"]}}, {}, "names must be an object of texts"),
        ({**GOOD, "names": {**NAMES, "resolution": "size"}}, {}, "names has resolution"),
        ({**GOOD, "names": {**NAMES, "height": "width"}}, {}, "the input width is given twice"),
        ({**GOOD, "names": {**NAMES, "prompt": ""}}, {}, "no input for the prompt"),
        ({**GOOD, "names": {**NAMES, "image": ""}}, {}, "image_to_video is claimed"),
        ({**GOOD, "names": {**NAMES, "seed": ""}}, {}, "seed is claimed"),
        ({**GOOD, "fields": ["steps"]}, {}, "fields must be an object"),
        ({**GOOD, "fields": {"prompt": "a cat"}}, {}, "the input prompt is given twice"),
        ({**GOOD, "output": 5}, {}, "output must be text"),
        ({**GOOD, "patience": "long"}, {}, "patience has to be"),
        (GOOD, {"features": ["camera_fixed"]}, "camera_fixed is claimed"),
        (GOOD, {"features": ["reference_person"]}, "reference_person is claimed"),
        ({"url": URL}, ONE_SIZE, "several durations are sold"),
        ({"url": URL}, {"durations": ["short"]}, "several sizes are sold"),
    ],
    ids=str,
)
def test_a_mistake_is_named(mistakes, options, changes, word):
    [(code, text)] = mistakes(options, **changes)
    assert code == "jobs.E018"
    assert word in text
    assert "secret" not in text


def test_a_web_process_loads_no_codec_for_entries_that_are_not_there():
    """It would take a quarter more memory for nothing."""
    code = (
        "import django, sys; django.setup(); import videoapi.asgi;"
        "from jobs import catalogue, checking; catalogue.usable();"
        "print([name for name in ('av', 'numpy') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "videoapi.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "[]\n"
