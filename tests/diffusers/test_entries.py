"""Entries for diffusers pipelines: mistakes are said at the start, and web needs none of its packages."""

import json
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from jobs import abilities, catalogue, checking, diffusers_checks
from jobs.errors import InvalidOrder
from jobs.providers import diffusers_options
from tests.diffusers.conftest import PROVIDER

GOOD = {"model": "someone/some-model"}


@pytest.fixture
def mistakes(settings):
    """Return what the checks say about an entry, by id."""

    def found(options, **changes):
        entry = {"title": "Mine", "provider": PROVIDER, "seconds_of_work": 9, "queue": "gpu"}
        settings.VIDEO_MODELS = {"mine": {**entry, "options": options, **changes}}
        return {problem.id: problem.msg for problem in checking.check(None)}

    return found


@pytest.mark.parametrize(
    "options",
    [
        GOOD,
        {**GOOD, "dtype": "bfloat16", "device": "cuda:1", "offload": "model", "vae_tiling": True},
        {**GOOD, "dtype": {"default": "bfloat16", "vae": "float32"}, "guidance": 5, "steps": 20},
        {**GOOD, "pipeline": "LTXPipeline", "image_pipeline": "LTXImageToVideoPipeline"},
        {**GOOD, "call": {"max_sequence_length": 128}, "local_files_only": False},
    ],
    ids=str,
)
def test_an_entry_that_can_work_is_taken(mistakes, options):
    assert mistakes(options) == {}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "model is missing"),
        ({"model": 5}, "model must be text"),
        ({**GOOD, "modle": 1}, "no option modle"),
        ({**GOOD, "dtype": "int4"}, "dtype must be"),
        ({**GOOD, "dtype": {"vae": "double"}}, "dtype must be"),
        ({**GOOD, "dtype": 16}, "dtype must be"),
        ({**GOOD, "device": "tpu"}, "device must be"),
        ({**GOOD, "device": "cpu", "offload": "model"}, "offload moves weights off a GPU"),
        ({**GOOD, "offload": True}, "offload must be"),
        ({**GOOD, "vae_tiling": 1}, "vae_tiling must be true or false"),
        ({**GOOD, "steps": "20"}, "steps must be a whole number"),
        ({**GOOD, "steps": True}, "steps must be a whole number"),
        ({**GOOD, "fps": 0}, "fps must be"),
        ({**GOOD, "fps": 61}, "fps at most 60"),
        ({**GOOD, "multiple": 7}, "multiple must be even"),
        ({**GOOD, "guidance": "5"}, "guidance must be a number"),
        ({**GOOD, "pipeline": "os.system"}, "pipeline must name a class"),
        ({**GOOD, "call": []}, "call must be an object"),
        ({**GOOD, "call": {"width": 1}}, "call may not name width"),
        ({**GOOD, "trust_remote_code": True}, "no option trust_remote_code"),
        ({**GOOD, "call": {"output_type": "pil"}}, "call may not name output_type"),
    ],
    ids=str,
)
def test_a_mistake_in_the_options_is_named(mistakes, options, word):
    found = mistakes(options)
    assert found.keys() == {"jobs.E015"}
    assert word in found["jobs.E015"]


def test_a_duration_with_more_frames_than_the_model_can_make_is_named(mistakes):
    limited = {**GOOD, "fps": 16, "most_frames": 81}
    assert mistakes(limited, durations=["short"]) == {}
    assert "'medium' takes 161 frames" in mistakes(limited, durations=["short", "medium"])["jobs.E015"]


def test_a_resolution_with_larger_frames_than_the_model_can_make_is_named(mistakes):
    limited = {**GOOD, "most_pixels": 864 * 480}
    small = {"resolutions": ["sd_480p"], "aspect_ratios": ["16:9", "1:1"]}
    assert mistakes(limited, **small, generation_types=["text_to_video"]) == {}
    of_pictures = mistakes(limited, **small)["jobs.E015"]
    assert "takes frames of up to 1120 x 480" in of_pictures
    assert "'hd_720p'" in mistakes(limited, **{**small, "resolutions": ["hd_720p"]})["jobs.E015"]


def test_a_pipeline_heeds_the_seed_and_the_entry_can_not_claim_more(mistakes):
    assert mistakes(GOOD, features=["seed"]) == {}
    assert "camera_fixed" in mistakes(GOOD, features=["seed", "camera_fixed"])["jobs.E015"]


def test_an_order_with_what_a_pipeline_does_not_heed_is_refused(mistakes):
    mistakes(GOOD)
    asked = {"generation_type": "text_to_video", "resolution": "sd_480p", "aspect_ratio": "16:9"}
    with pytest.raises(InvalidOrder, match="takes no camera_fixed"):
        abilities.require("mine", duration="short", features=["camera_fixed"], **asked)


def test_an_entry_has_a_kept_process_and_no_ceiling_of_memory_unless_it_says_so(mistakes):
    mistakes(GOOD)
    model = catalogue.get("mine")
    assert (model.kept, model.ceiling_mb(), model.features) == (True, 0, ("seed",))
    mistakes(GOOD, memory_mb=65_536)
    assert catalogue.get("mine").ceiling_mb() == 65_536


def test_missing_packages_are_an_error_only_where_the_models_queue_is_served(mistakes, settings, monkeypatch):
    monkeypatch.setattr(diffusers_checks, "PACKAGES", ("numpy", "no_such_package"))
    assert mistakes(GOOD) == {}
    settings.WORKER_QUEUES = {"gpu": 1}
    assert "needs no_such_package, not installed here" in mistakes(GOOD)["jobs.E016"]


@pytest.mark.parametrize(
    ("asked", "made"), [((854, 480), (864, 480)), ((1080, 1920), (1088, 1920)), ((1280, 720), (1280, 736))]
)
def test_a_frame_is_made_in_multiples_never_smaller_than_asked(asked, made):
    assert diffusers_options.read(GOOD).frame_size(*asked) == made


@pytest.mark.parametrize(
    ("step", "asked", "made"), [(8, 80, 81), (8, 120, 121), (4, 81, 81), (6, 80, 85), (1, 7, 7)]
)
def test_frames_come_in_the_models_numbers_never_fewer_than_asked(step, asked, made):
    assert diffusers_options.read({**GOOD, "frame_step": step}).frame_count(asked) == made


WEB = """
import sys
import django
django.setup()
from jobs import catalogue, checking
assert [problem.id for problem in checking.check(None)] == []
assert catalogue.get("mine").kept
import videoapi.asgi
print([name for name in ("torch", "diffusers", "transformers", "accelerate") if name in sys.modules])
"""


def test_neither_the_web_process_nor_the_checks_import_torch(monkeypatch):
    entry = {"title": "Mine", "provider": PROVIDER, "seconds_of_work": 9, "queue": "gpu", "options": GOOD}
    monkeypatch.setenv("VIDEO_MODELS", json.dumps({"mine": entry}))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    command = [sys.executable, "-c", WEB]
    told = subprocess.run(command, cwd=django_settings.BASE_DIR, capture_output=True, text=True)
    assert told.stdout == "[]\n", told.stderr


def test_the_page_lists_the_options_of_the_code():
    page = (django_settings.BASE_DIR / "docs/diffusers.md").read_text()
    listed = {
        name
        for line in page.split("## Options")[1].split("\n## ")[0].splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].replace("`", "").replace(" ", "").split(",")
    }
    assert listed == {*diffusers_options.Options.__dataclass_fields__}


def test_what_is_installed_by_the_lock_file_is_what_the_checks_look_for():
    wanted = (django_settings.BASE_DIR / "requirements-diffusers.in").read_text()
    assert all(f"\n{name}" in wanted for name in diffusers_checks.PACKAGES)
