"""Prices and models come from the settings, and mistakes in them are said before anything starts."""

import datetime

import pytest

from jobs import abilities, catalogue, checking, formats, pricing
from jobs.errors import InvalidOrder


def cost(**changes):
    asked = {
        "generation_type": "text_to_video",
        "model": "preview",
        "resolution": "hd_1080p",
        "duration": "short",
    }
    return pricing.cost(**{**asked, **changes})


def far(**entry):
    """Return an entry of a remote model, which says what it can do."""
    plain = {
        "title": "Far",
        "seconds_of_work": 1.0,
        "remote": {"base_url": "https://far.example.org"},
        "generation_types": ["text_to_video"],
        "durations": ["short"],
        "resolutions": ["hd_720p"],
        "aspect_ratios": ["16:9"],
    }
    return {**plain, **entry}


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
        ({"preview": {"provider": "jobs.providers.fal.Fal"}}, "jobs.E005"),
        ({"far": far()}, "jobs.E002"),
        ({"far": far(provider=None)}, "jobs.E005"),
        ({"far": far(provider=5)}, "jobs.E005"),
        ({"far": far(provider="fal")}, "jobs.E005"),
        ({"far": far(provider="no.such.Thing")}, "jobs.E005"),
        ({"far": far(provider="jobs.providers.fal.Fall")}, "jobs.E005"),
        ({"far": far(provider="jobs.providers.fal.NAMES")}, "jobs.E005"),
        ({"far": far(provider="jobs.providers.preview.Preview")}, "jobs.E005"),
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
    settings.CANCEL_RUNNING = True
    assert problem in errors()


def test_a_missing_provider_is_named_and_a_wrong_one_leaves_the_other_models(settings):
    settings.VIDEO_MODELS = {"far": far()}
    assert any("'provider'" in problem.msg for problem in checking.check(None))
    settings.VIDEO_MODELS = {"far": far(provider="no.such.Thing")}
    assert {"preview", "far"} <= set(catalogue.usable())


@pytest.mark.parametrize(
    ("price", "is_sound"),
    [
        ({"per_video": 0.2, "per_second": 1, "currency": "EUR"}, True),
        ({}, True),
        ({"per_video": "0.2"}, False),
        ({"per_second": -1}, False),
        ({"per_second": float("nan")}, False),
        ({"per_video": True}, False),
        ({"per_video": 1, "currency": "euro"}, False),
        ({"per_vidoe": 1}, False),
        ({"currency": "EUR"}, False),
        ({"per_second": 0, "currency": "EUR"}, True),
    ],
)
def test_a_price_that_cannot_be_reckoned_with_is_refused_at_start(settings, price, is_sound):
    remote = {"base_url": "https://queue.fal.run", "price": price}
    settings.VIDEO_MODELS = {"far": far(provider="jobs.providers.fal.Fal", remote=remote)}
    assert errors() == (set() if is_sound else {"jobs.E011"})


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
        ({"CANCEL_PATIENCE": datetime.timedelta()}, "jobs.E012"),
    ],
)
def test_times_that_cannot_go_together_are_refused_at_start(settings, changes, problem):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert errors() == {problem}


@pytest.mark.parametrize(
    ("names", "is_sound"),
    [
        ({"sora-2": "preview"}, True),
        ({}, True),
        ({"sora-2": "no-such-model"}, False),
        ({"sora-2": "hidden"}, False),
        ({"sora-2": ["preview"]}, False),
        (["sora-2"], False),
    ],
)
def test_a_name_of_openais_that_stands_for_nothing_is_refused_at_start(settings, names, is_sound):
    settings.VIDEO_MODELS = {"hidden": {**catalogue.BUILT_IN["preview"], "is_listed": False}}
    settings.OPENAI_MODELS = names
    assert errors() == (set() if is_sound else {"jobs.E017"})


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("https://videos.example.org/api", set()),
        ("http://videos.example.org", {"jobs.E013"}),
        ("videos.example.org", {"jobs.E013"}),
        ("https://", {"jobs.E013"}),
        ("https://me@videos.example.org", {"jobs.E013"}),
        ("https://videos.example.org/?a=b", {"jobs.E013"}),
    ],
)
def test_an_address_where_nobody_could_call_back_is_refused_at_start(settings, address, wrong):
    settings.PUBLIC_URL = address
    assert errors() == wrong


@pytest.mark.parametrize(
    ("provider", "address", "secret", "problems"),
    [
        ("replicate.Replicate", "https://videos.example.org", "whsec_AAAA", set()),
        ("replicate.Replicate", "", "whsec_AAAA", {"jobs.W003"}),
        ("replicate.Replicate", "https://videos.example.org", "", {"jobs.W003"}),
        ("fal.Fal", "https://videos.example.org", "whsec_AAAA", {"jobs.E011"}),
        ("runway.Runway", "https://videos.example.org", "whsec_AAAA", {"jobs.E011", "jobs.W003"}),
    ],
)
def test_a_secret_of_webhooks_that_has_no_use_is_told_at_start(
    settings, monkeypatch, provider, address, secret, problems
):
    monkeypatch.setenv("FAR_WEBHOOK_SECRET", secret)
    settings.PUBLIC_URL = address
    remote = {"base_url": "https://far.example.org/v1", "webhook": "FAR_WEBHOOK_SECRET"}
    settings.VIDEO_MODELS = {"far": far(provider=f"jobs.providers.{provider}", remote=remote)}
    assert errors() == problems


@pytest.mark.parametrize(
    ("provider", "options", "problems"),
    [
        ("jobs.providers.runway.Runway", {}, set()),
        ("jobs.providers.luma.Luma", {}, {"jobs.W002"}),
        ("jobs.providers.openai_videos.OpenAIVideos", {}, {"jobs.W002"}),
        ("jobs.providers.openai_videos.OpenAIVideos", {"cancel": True}, set()),
    ],
)
def test_cancels_that_no_provider_can_grant_are_warned_of_at_start(settings, provider, options, problems):
    settings.CANCEL_RUNNING = True
    settings.VIDEO_MODELS = {"far": far(provider=provider, options=options)}
    assert errors() == problems
    settings.CANCEL_RUNNING = False
    assert errors() == set()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"durations": ["short"]}, "durations: medium, long"),
        ({"features": [], "aspect_ratios": ["16:9"]}, "features: seed"),
        ({"generation_types": ["text_to_video"]}, "generation_types: image_to_video"),
    ],
)
def test_what_another_model_cannot_do_that_is_fallen_back_to_is_told_at_start(settings, changes, said):
    remote = {"base_url": "https://models.example.org"}
    entry = {"title": "Far", "provider": "jobs.providers.openai_videos.OpenAIVideos", "seconds_of_work": 1.0}
    settings.VIDEO_MODELS = {
        "far": {**entry, "remote": {**remote, "fallback": ["farther"]}},
        "farther": {**entry, **changes, "remote": remote},
    }
    told = [problem.msg for problem in checking.check(None) if problem.id == "jobs.W004"]
    assert len(told) == (1 if said else 0)
    assert all(said in text for text in told)


def test_a_refusal_names_the_field_and_what_the_model_can_do(settings):
    settings.VIDEO_MODELS = {"preview": {"durations": ["short"]}}
    asked = {"generation_type": "text_to_video", "resolution": "hd_1080p", "aspect_ratio": "16:9"}
    with pytest.raises(InvalidOrder) as refused:
        abilities.require("preview", duration="long", **asked)
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
