"""The rehearsal model: every documented word does what the table says."""

import itertools
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from jobs import formats
from jobs.formats import AspectRatio, Duration, Resolution
from jobs.providers import rehearsal
from jobs.providers.base import FailureCode, ProviderError
from tests.providers import reading

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = {"seconds": 0}
provider = rehearsal.Rehearsal()


def rehearse(generation, folder, prompt, progress=lambda share, step: None, **changes):
    options = changes.pop("options", AT_ONCE)
    return provider.generate(generation(prompt, options=options, **changes), folder, progress)


@pytest.mark.parametrize("ratio", AspectRatio.values)
@pytest.mark.parametrize("resolution", [Resolution.SD, Resolution.HD])
def test_it_makes_real_videos_of_every_shape(generation, tmp_path, resolution, ratio):
    width, height = formats.frame_size(resolution, ratio)
    rendered = rehearse(generation, tmp_path, "hello", width=width, height=height)
    facts = reading.facts(rendered.video)
    assert (facts.size, facts.frames, facts.seconds) == ((width, height), 24, Fraction(1))
    assert (facts.codec, facts.pixels, facts.rate) == ("h264", "yuv420p", 24)
    assert facts.constant_rate
    assert facts.index_first


@pytest.mark.parametrize("duration", Duration.values)
def test_it_makes_every_duration_to_the_frame(generation, tmp_path, duration):
    seconds = formats.seconds(duration)
    rendered = rehearse(generation, tmp_path, "hello", duration_seconds=seconds)
    facts = reading.facts(rendered.video)
    assert (facts.frames, facts.seconds, rendered.duration_seconds) == (24 * seconds, seconds, seconds)


@pytest.mark.parametrize("ratio", ["16:9", "21:9", "9:21"])
@pytest.mark.parametrize("resolution", [Resolution.FULL_HD, Resolution.UHD])
def test_it_makes_large_videos(generation, tmp_path, resolution, ratio):
    width, height = formats.frame_size(resolution, ratio)
    rendered = rehearse(generation, tmp_path, "hello", width=width, height=height)
    assert reading.facts(rendered.video).size == (width, height)


def test_the_poster_is_a_jpeg_that_is_not_dark(generation, tmp_path):
    rendered = rehearse(generation, tmp_path, "hello")
    with Image.open(rendered.poster) as poster:
        assert poster.format == "JPEG"
        assert ImageStat.Stat(poster.convert("L")).mean[0] > 30


def test_a_picture_shows_behind_the_countdown(generation, tmp_path):
    Image.new("RGB", (300, 200), (250, 20, 20)).save(tmp_path / "red.png")
    rendered = rehearse(generation, tmp_path, "hello", image=tmp_path / "red.png")
    red, green, blue = reading.frames(rendered.video, 0)[0][240, 20]
    assert red > 80 > max(green, blue)


def test_it_takes_about_a_second_unless_told_otherwise(generation, tmp_path):
    started = time.monotonic()
    rehearse(generation, tmp_path, "hello", options={})
    assert time.monotonic() - started >= 0.99


def test_slow_takes_the_time_asked_for_with_smooth_progress(generation, tmp_path):
    shares = []
    started = time.monotonic()
    rehearse(generation, tmp_path, "Please be [SLOW 2].", lambda share, step: shares.append(share))
    assert time.monotonic() - started >= 2
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert max(later - earlier for earlier, later in itertools.pairwise(shares)) < 0.2


FAILURES = {
    "[fail]": (FailureCode.PROVIDER_REJECTED, False),
    "[reject]": (FailureCode.CONTENT_REJECTED, False),
    "[image]": (FailureCode.INVALID_IMAGE, False),
    "[reference]": (FailureCode.REFERENCE_ERROR, False),
    "[timeout]": (FailureCode.PROVIDER_TIMEOUT, False),
    "[unavailable]": (FailureCode.PROVIDER_UNAVAILABLE, True),
    "[flaky 2]": (FailureCode.PROVIDER_UNAVAILABLE, True),
    "[reject once at 90]": (FailureCode.CONTENT_REJECTED, True),
    "[fail at 50]": (FailureCode.PROVIDER_REJECTED, False),
}


@pytest.mark.parametrize("words", FAILURES)
def test_a_word_fails_as_documented_and_leaves_no_file(generation, tmp_path, words):
    code, retryable = FAILURES[words]
    with pytest.raises(ProviderError) as raised:
        rehearse(generation, tmp_path, f"A cat {words} on a mat")
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert list(tmp_path.iterdir()) == []


def test_error_is_an_exception_nobody_expected(generation, tmp_path):
    with pytest.raises(RuntimeError):
        rehearse(generation, tmp_path, "[error]")


def test_at_lets_that_share_of_the_work_be_done_first(generation, tmp_path):
    shares = []
    with pytest.raises(ProviderError):
        rehearse(generation, tmp_path, "[fail at 50]", lambda share, step: shares.append(share))
    assert 0.45 < max(shares) <= 0.5


def test_flaky_works_after_so_many_attempts(generation, tmp_path):
    for attempt in (1, 2):
        with pytest.raises(ProviderError):
            rehearse(generation, tmp_path, "[flaky 2]", attempt=attempt)
    assert rehearse(generation, tmp_path, "[flaky 2]", attempt=3).video.exists()


def test_the_first_word_that_applies_to_the_attempt_happens():
    script = rehearsal.read("[crash once] [stall 2] [slow 20] [kitten] [fail 99999]")
    happens = [script.outcome(attempt) for attempt in (1, 2, 3)]
    assert [outcome and outcome.word for outcome in happens] == ["crash", "stall", None]
    assert script.seconds == 20


def test_slow_without_a_number_or_beyond_reason_is_tamed():
    assert rehearsal.read("[slow]").seconds is None
    assert rehearsal.read("[slow once]").seconds is None
    assert rehearsal.read("[slow 9999]").seconds == 3600
    assert rehearsal.read("[slow 99999]").seconds is None


CHILD = """
import sys, time
from pathlib import Path
from django.conf import settings
settings.configure(ENCODER_THREADS=1, JOB_TIMEOUT_SECONDS=60)
from jobs.providers import base, rehearsal
generation = base.Generation(
    job_id=None, attempt=int(sys.argv[3]), generation_type="text_to_video", prompt=sys.argv[1],
    width=160, height=90,
    frames_per_second=24, duration_seconds=1, seed=1, camera_fixed=False, options={"seconds": 0},
)
rehearsal.Rehearsal().generate(generation, Path(sys.argv[2]), lambda share, step: print(share, flush=True))
"""


def child(prompt, folder, attempt=1):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, prompt, str(folder), str(attempt)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize(("attempt", "status"), [(1, -signal.SIGKILL), (2, 0)])
def test_crash_once_kills_the_process_on_the_first_attempt_only(tmp_path, attempt, status):
    process = child("[crash once]", tmp_path, attempt)
    process.communicate(timeout=30)
    assert process.returncode == status


def test_stall_says_nothing_more_until_it_is_ended(tmp_path):
    process = child("[stall at 50]", tmp_path)
    try:
        said = [float(process.stdout.readline()) for _ in range(12)]
        assert said[-1] < 0.5
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=1.5)
    finally:
        process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM


def test_every_word_is_in_the_documentation_and_every_documented_word_is_one():
    page = (ROOT / "docs" / "rehearsal.md").read_text()
    documented = {word for word, _, _ in rehearsal.WORD.findall(page)}
    assert documented == {*rehearsal.ERRORS, *rehearsal.ACTIONS, "slow"}


def test_the_documented_codes_are_the_real_ones():
    page = (ROOT / "docs" / "rehearsal.md").read_text()
    rows = re.findall(r"^\| `\[(\w+)[^|]*\| [^|]*\| `(\w+)` \| (yes|no) \|$", page, re.MULTILINE)
    told = {word: (code, again == "yes") for word, code, again in rows}
    assert {word: told[word] for word in rehearsal.ERRORS if word != "flaky"} == {
        word: (code.value, word in rehearsal.RETRYABLE)
        for word, code in rehearsal.ERRORS.items()
        if word != "flaky"
    }
