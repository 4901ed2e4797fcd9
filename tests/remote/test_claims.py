"""What entries sell is what their provider is asked for, and can do: by default, and where they say so."""

import dataclasses
import itertools
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from jobs import abilities, catalogue, checking, formats
from jobs.errors import InvalidOrder
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from tests.remote.adapters.saying import order
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Asked

OPEN = ("openai_videos.OpenAIVideos", "replicate.Replicate", "fal.Fal", "openrouter.OpenRouter")
EVERYTHING = {
    "generation_types": GenerationType.values,
    "durations": Duration.values,
    "resolutions": Resolution.values,
    "aspect_ratios": AspectRatio.values,
}


def entry(provider, **changes):
    base_url = {"base_url": "https://far.example.org"}
    return {
        "title": "Far",
        "provider": f"jobs.providers.{provider}",
        "seconds_of_work": 1.0,
        "remote": base_url,
    } | changes


def told(settings, provider, **changes):
    """Return what the checks say of such an entry, by their ids."""
    settings.VIDEO_MODELS = {"far": entry(provider, **changes)}
    problems = checking.check(None)
    return {problem.id: problem.msg for problem in problems}


def combinations(model):
    return itertools.product(model.durations, model.resolutions, model.aspect_ratios)


def sold(duration, resolution, ratio):
    """Return the order as an adapter gets it."""
    width, height = formats.frame_size(resolution, ratio)
    shape = {"width": width, "height": height, "resolution": resolution, "aspect_ratio": ratio}
    return order(duration_seconds=formats.seconds(duration), **shape)


def submitted(server, request):
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    content = json.dumps(request.json).encode()
    return server.answer(Asked(request.method, url.path, dict(parse_qsl(url.query)), headers, content))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("runway", {}),
        ("luma", {}),
        ("veo", {"model": "veo-2.0-generate-001"}),
        ("veo", {"model": "veo-3.1-generate-preview"}),
    ],
)
def test_all_that_an_entry_sells_by_default_is_taken_and_of_about_the_length(
    name, changes, settings, monkeypatch
):
    [case] = [each for each in CASES if each.name == name]
    with case.stand_in() as server:
        monkeypatch.setenv("FAR_KEY", server.key)
        plain = case.entry(server)
        remote = {**plain["remote"], "key": "FAR_KEY", **changes}
        settings.VIDEO_MODELS = {"far": {**plain, "options": {}, "remote": remote}}
        far = catalogue.get("far")
        for asked in combinations(far):
            answer = submitted(server, far.adapter().submit(sold(*asked)))
            assert answer.status < 300, (asked, answer.body)
            *_, work = server.works.values()
            assert abs(work.seconds_of_video / formats.seconds(asked[0]) - 1) <= 0.25, asked


@pytest.mark.parametrize(
    ("provider", "asked"),
    [
        ("veo.Veo", {"duration": "long"}),
        ("veo.Veo", {"duration": "medium"}),
        ("veo.Veo", {"resolution": "sd_480p"}),
        ("veo.Veo", {"resolution": "hd_1080p"}),
        ("veo.Veo", {"aspect_ratio": "21:9"}),
        ("veo.Veo", {"features": ["seed"]}),
        ("luma.Luma", {"duration": "long"}),
        ("luma.Luma", {"generation_type": "image_to_video"}),
        ("luma.Luma", {"features": ["seed"]}),
        ("runway.Runway", {"duration": "long"}),
        ("runway.Runway", {"resolution": "sd_480p"}),
        ("runway.Runway", {"resolution": "hd_1080p"}),
        ("runway.Runway", {"aspect_ratio": "21:9"}),
        ("runway.Runway", {"features": ["reference_person"]}),
        *((name, {"features": ["camera_fixed"]}) for name in OPEN),
    ],
)
def test_what_a_provider_cannot_do_is_refused_at_the_submit_though_the_entry_does_not_say_so(
    provider, asked, settings
):
    settings.VIDEO_MODELS = {"far": entry(provider)}
    plain = {
        "generation_type": "text_to_video",
        "duration": "short",
        "resolution": "hd_720p",
        "aspect_ratio": "16:9",
    }
    assert abilities.require("far", **plain).alias == "far"
    with pytest.raises(InvalidOrder) as refused:
        abilities.require("far", **{**plain, **asked})
    assert refused.value.extra["errors"][0]["code"] == "unsupported_by_model"


@pytest.mark.parametrize(
    ("provider", "options"),
    [
        ("openai_videos.OpenAIVideos", {"seed": ""}),
        ("runway.Runway", {"seed": ""}),
        ("openrouter.OpenRouter", {"omit": ["seed"]}),
        ("fal.Fal", {"names": {"seed": ""}}),
        ("replicate.Replicate", {"names": {"seed": ""}}),
    ],
)
def test_a_seed_that_is_not_sent_is_not_sold(provider, options, settings):
    settings.VIDEO_MODELS = {"far": entry(provider)}
    assert catalogue.get("far").features == ("seed",)
    settings.VIDEO_MODELS = {"far": entry(provider, options=options)}
    assert catalogue.get("far").features == ()


@pytest.mark.parametrize(
    ("provider", "options"),
    [
        ("openrouter.OpenRouter", {"omit": ["frame_images"]}),
        ("fal.Fal", {"names": {"image": ""}}),
        ("replicate.Replicate", {"names": {"image": ""}}),
    ],
)
def test_a_picture_that_is_not_sent_is_not_sold(provider, options, settings):
    settings.VIDEO_MODELS = {"far": entry(provider, options=options)}
    assert catalogue.get("far").generation_types == ("text_to_video",)
    said = told(settings, provider, options=options, **EVERYTHING)
    assert "image_to_video" in said["jobs.E011"]


WRONG = [
    ("luma.Luma", {"generation_types": ["image_to_video"]}, "image_to_video"),
    ("luma.Luma", {"durations": ["long"]}, "asked for 9"),
    ("luma.Luma", {"options": {"resolutions": {"hd_720p": "720p"}}, "resolutions": ["hd_1080p"]}, "hd_1080p"),
    ("veo.Veo", {"durations": ["short", "long"]}, "asked for 8"),
    ("veo.Veo", {"options": {"seconds": [8]}}, "short, 5 seconds"),
    ("veo.Veo", {"resolutions": ["sd_480p"]}, "sd_480p"),
    ("veo.Veo", {"aspect_ratios": ["21:9", "16:9"]}, "21:9"),
    ("veo.Veo", {"features": ["seed"]}, "seed"),
    ("veo.Veo", {"options": {"seconds": "8"}}, "options"),
    ("runway.Runway", {"aspect_ratios": ["1:1"]}, "1:1"),
    ("runway.Runway", {"resolutions": ["hd_1080p"]}, "hd_1080p"),
    ("runway.Runway", {"options": {"ratios": ["wide"]}}, "options"),
    ("runway.Runway", {"durations": ["long"], "options": {"seconds": [5, 10]}}, "asked for 10"),
    ("runway.Runway", {"features": ["seed"], "options": {"seed": ""}}, "seed"),
    (
        "fal.Fal",
        {**EVERYTHING, "options": {"resolutions": {"hd_720p": "720p"}}},
        "sd_480p, hd_1080p, 4k_2160p",
    ),
    ("openai_videos.OpenAIVideos", {**EVERYTHING, "features": ["sed"]}, "sed"),
    *((name, {"features": ["reference_person"]}, "reference_person") for name in ("luma.Luma", "veo.Veo")),
    *((name, {**EVERYTHING, "features": ["camera_fixed"]}, "camera_fixed") for name in OPEN),
    *(
        (name, {**EVERYTHING, "features": ["reference_person"]}, "reference_person")
        for name in ("runway.Runway", "openai_videos.OpenAIVideos", "fal.Fal", "replicate.Replicate")
    ),
]


@pytest.mark.parametrize(("provider", "changes", "named"), WRONG)
def test_what_an_entry_claims_that_its_provider_cannot_be_asked_for_is_refused_at_start(
    provider, changes, named, settings
):
    said = told(settings, provider, **changes)
    assert named in said["jobs.E011"]


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("luma.Luma", {}),
        ("luma.Luma", {"options": {"seconds": [5, 10, 15]}, "durations": Duration.values}),
        ("luma.Luma", {"options": {"resolutions": {}}}),
        ("veo.Veo", {}),
        ("veo.Veo", {"durations": ["medium"], "resolutions": ["hd_1080p"], "options": {"seconds": [8]}}),
        ("veo.Veo", {"features": ["seed"], "options": {"seed": "seed"}}),
        ("runway.Runway", {}),
        (
            "runway.Runway",
            {"aspect_ratios": ["16:9", "4:3"], "options": {"ratios": ["1280:720", "1104:832"]}},
        ),
        ("runway.Runway", {"resolutions": ["hd_1080p"], "options": {"ratios": ["1920:1080", "1080:1920"]}}),
        ("runway.Runway", {"resolutions": ["4k_2160p"], "options": {"ratios": ["16:9", "9:16"]}}),
        ("openrouter.OpenRouter", {**EVERYTHING, "features": ["seed", "reference_person"]}),
        *(
            (
                name,
                {
                    **EVERYTHING,
                    "features": ["reference_person"],
                    "options": {"names": {"portrait": "person"}},
                },
            )
            for name in ("fal.Fal", "replicate.Replicate")
        ),
        (
            "openai_videos.OpenAIVideos",
            {**EVERYTHING, "features": ["camera_fixed"], "options": {"camera_fixed": "fixed"}},
        ),
    ],
)
def test_what_can_be_asked_for_may_be_claimed(provider, changes, settings):
    assert told(settings, provider, **changes) == {}


@pytest.mark.parametrize("provider", OPEN)
def test_an_entry_that_leaves_open_what_its_model_can_do_is_warned_of(provider, settings):
    said = told(settings, provider, durations=["short"])
    assert "does not have resolutions, aspect_ratios, generation_types, so all are sold" in said["jobs.W005"]
    assert told(settings, provider, **EVERYTHING) == {}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])
@pytest.mark.parametrize(("seconds", "ending"), [(4.5, "completed"), (3.5, "failed")])
def test_a_video_that_is_much_shorter_than_what_was_asked_for_is_not_sold(
    seconds, ending, far, finish, submit, stand_in
):
    there = stand_in.file
    stand_in.file = lambda work: there(dataclasses.replace(work, seconds_of_video=seconds))
    job = finish(submit())
    assert job.status == ending
    assert ending == "completed" or "lasts 3.5 s, not 5 s" in job.failure_detail
