"""Prices and models come from the settings, and mistakes in them are said before anything starts."""

import datetime

import pytest

from jobs import catalogue, checking, formats, pricing
from jobs.errors import InvalidOrder


def cost(**changes):
    asked = {
        "generation_type": "text_to_video",
        "model": "preview",
        "resolution": "hd_1080p",
        "duration": "short",
    }
    return pricing.cost(**{**asked, **changes})


def errors():
    return {problem.id for problem in checking.check(None)}


def test_plain_prices_are_per_kind():
    assert (cost(), cost(generation_type="image_to_video")) == (10, 8)


def test_the_first_rule_that_fits_wins(settings):
    settings.DUST_PRICES = {
        "generate": 10,
        "animate": 8,
        "rules": [
            {"model": "big", "duration": "long", "generate": 90},
            {"model": "big", "generate": 30, "animate": 25},
            {"resolution": "4k_2160p", "generate": 40},
        ],
    }
    assert cost(model="big", duration="long") == 90
    assert cost(model="big", resolution="4k_2160p") == 30
    assert cost(model="big", generation_type="image_to_video") == 25
    assert cost(resolution="4k_2160p") == 40
    assert cost(resolution="4k_2160p", generation_type="image_to_video") == 8


@pytest.mark.parametrize(
    "prices",
    [
        [],
        {"generate": 10},
        {"generate": 10, "animate": -1},
        {"generate": 1.5, "animate": 8},
        {"generate": True, "animate": 8},
        {"generate": 10, "animate": 8, "rules": [{"modle": "x", "generate": 1}]},
        {"generate": 10, "animate": 8, "rules": [{"model": "x", "generate": "1"}]},
        {"generate": 10, "animate": 8, "rules": "x"},
        {"generate": 10, "animate": 8, "rules": [5]},
        {"generate": 10, "animate": 8, "prices": {}},
    ],
)
def test_a_price_table_that_makes_no_sense_is_refused_at_start(settings, prices):
    settings.DUST_PRICES = prices
    assert "jobs.E001" in errors()


def test_the_defaults_make_sense():
    assert errors() == set()


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ({"mine": {"title": "x"}}, "jobs.E002"),
        ({"mine": 5}, "jobs.E002"),
        ({"preview": {"no_such_field": 1}}, "jobs.E002"),
        ({"preview": None}, "jobs.E003"),
        ({"preview": {"resolutions": ["8k"]}}, "jobs.E004"),
        ({"preview": {"provider": "no.such.Thing"}}, "jobs.E005"),
        ({"preview": {"timeout_seconds": 1801}}, "jobs.E009"),
        ({"preview": {"timeout_seconds": -1}}, "jobs.E009"),
        ({"preview": {"memory_mb": -1}}, "jobs.E010"),
        ({"preview": {"timeout_seconds": "long"}}, "jobs.E009"),
        ({"preview": {"memory_mb": "much"}}, "jobs.E010"),
        ({"preview": {"memory_mb": 100}}, "jobs.E010"),
    ],
)
def test_a_model_that_cannot_work_is_refused_at_start(settings, models, problem):
    settings.VIDEO_MODELS = models
    assert problem in errors()


def test_a_default_model_that_does_not_exist_is_refused_at_start(settings):
    settings.DEFAULT_MODEL = "nonesuch"
    assert "jobs.E003" in errors()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"OUTBOUND_TIMEOUT_SECONDS": 30}, "jobs.E006"),
        ({"ORPHAN_AGE": datetime.timedelta(seconds=60)}, "jobs.E007"),
        ({"JOB_RETENTION": datetime.timedelta(hours=2)}, "jobs.E008"),
        ({"JOB_RESULT_LIFETIME": datetime.timedelta(days=365)}, "jobs.E008"),
    ],
)
def test_times_that_cannot_go_together_are_refused_at_start(settings, changes, problem):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert errors() == {problem}


def test_a_refusal_names_the_field_and_what_the_model_can_do(settings):
    settings.VIDEO_MODELS = {"preview": {"durations": ["short"]}}
    asked = {"generation_type": "text_to_video", "resolution": "hd_1080p", "aspect_ratio": "16:9"}
    with pytest.raises(InvalidOrder) as refused:
        catalogue.require("preview", duration="long", **asked)
    [error] = refused.value.extra["errors"]
    assert error["field"] == "duration"
    assert "It can do: short." in error["message"]


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("sd_480p", "16:9", (854, 480)),
        ("hd_720p", "16:9", (1280, 720)),
        ("hd_1080p", "9:16", (1080, 1920)),
        ("4k_2160p", "16:9", (3840, 2160)),
        ("hd_1080p", "1:1", (1080, 1080)),
        ("hd_720p", "4:3", (960, 720)),
        ("hd_720p", "3:4", (720, 960)),
        ("4k_2160p", "21:9", (5040, 2160)),
        ("sd_480p", "9:21", (480, 1120)),
    ],
)
def test_the_short_side_is_what_the_resolution_says(resolution, ratio, size):
    assert formats.frame_size(resolution, ratio) == size


@pytest.mark.parametrize("resolution", formats.Resolution.values)
@pytest.mark.parametrize("ratio", formats.AspectRatio.values)
def test_every_frame_has_even_sides(resolution, ratio):
    width, height = formats.frame_size(resolution, ratio)
    assert width % 2 == height % 2 == 0


def test_a_picture_keeps_its_shape_up_to_21_by_9():
    assert formats.fit("hd_720p", 3000, 2000) == (1080, 720)
    assert formats.fit("hd_720p", 100000, 10) == (1680, 720)
    assert formats.fit("hd_720p", 1, 100000) == (720, 1680)


@pytest.mark.parametrize(
    ("size", "name"), [((1920, 1080), "16:9"), ((854, 480), "16:9"), ((1080, 720), "3:2")]
)
def test_a_shape_has_a_name(size, name):
    assert formats.ratio_name(*size) == name
