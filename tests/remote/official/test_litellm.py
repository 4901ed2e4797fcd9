"""The `/v1/videos` adapter through a real LiteLLM proxy, with the stand-in behind it.

The proxy is no dependency of this project: set LITELLM to the path of its program, from an environment of its
own (`pip install 'litellm[proxy]'`), or have it beside this Python. It needs about a minute to start.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F
from PIL import Image

from dust import ledger
from jobs import uploads
from jobs.models import Job, RemoteState, RemoteTask, Upstream
from jobs.providers.base import FailureCode
from tests import ports
from tests.jobs.making import OPENING, PRICE
from tests.remote.stand_ins import works
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.watching import eventually, states

BESIDE = Path(sys.executable).with_name("litellm")
LITELLM = os.environ.get("LITELLM") or (str(BESIDE) if BESIDE.exists() else "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LITELLM, reason="no LiteLLM proxy (LITELLM=/path/to/litellm runs these)"),
]

MASTER_KEY = "sk-of-no-worth"
STARTS_WITHIN = 240.0
# The proxy is a program of others': it gets nothing of this environment, and has no business elsewhere.
ENVIRONMENT = {
    "PATH": os.defpath,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "NO_PROXY": "*",
}


class Gateway:
    """A LiteLLM proxy on 127.0.0.1: `far` and, with a fallback to `spare`, `leaning`."""

    def __init__(self, folder, server):
        self.port = ports.reserve()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.log = folder / "proxy.log"
        self.config = folder / "config.yaml"
        reached = {"model": "openai/sora-2", "api_base": server.base_url, "api_key": server.key}
        models = [{"model_name": name, "litellm_params": reached} for name in ("far", "leaning", "spare")]
        settings = {
            "model_list": models,
            "router_settings": {"fallbacks": [{"leaning": ["spare"]}]},
            "general_settings": {"master_key": MASTER_KEY},
        }
        self.config.write_text(json.dumps(settings))  # JSON is YAML, too

    @contextlib.contextmanager
    def running(self):
        command = [LITELLM, "--config", self.config, "--host", "127.0.0.1", "--port", str(self.port)]
        environment = {**ENVIRONMENT, "HOME": str(self.log.parent)}
        with (
            self.log.open("wb") as log,
            subprocess.Popen(
                [*command, "--num_workers", "1", "--telemetry", "False"],
                cwd=self.log.parent,
                env=environment,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                self.wait(process)
                yield self
            finally:
                process.kill()

    def wait(self, process):
        end = time.monotonic() + STARTS_WITHIN
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"http://127.0.0.1:{self.port}/health/liveliness", trust_env=False).is_success:
                    return
            time.sleep(0.2)
        pytest.fail(self.log.read_text()[-3000:])

    def submit(self, **fields):
        """Submit as any client does."""
        headers = {"Authorization": f"Bearer {MASTER_KEY}", **fields.pop("headers", {})}
        body = {"model": "far", "seconds": "5", **fields}
        url = f"{self.base_url}/videos"
        return httpx2.post(url, json=body, headers=headers, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def stand_in():
    with OpenAIStandIn(takes=1.0) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(stand_in, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("litellm"), stand_in).running() as one:
        yield one


@pytest.fixture
def far(gateway, settings, monkeypatch):
    monkeypatch.setenv("FAR_KEY", MASTER_KEY)

    def change(**remote):
        reached = {"base_url": gateway.base_url, "model": "far", "key": "FAR_KEY", "poll_seconds": 0.05}
        settings.VIDEO_MODELS = {
            "far": {
                "title": "Far away",
                "provider": "jobs.providers.openai_videos.OpenAIVideos",
                "seconds_of_work": 1.0,
                "remote": {**reached, **remote},
            }
        }

    change()
    return change


def spent(user):
    return OPENING - ledger.balance(user.pk).available


def work_of(stand_in, prompt):
    return next(work for work in stand_in.works.values() if work.prompt == prompt)


def test_a_text_becomes_a_video_that_was_paid_for_once(finish, submit, stand_in, alice, task_of):
    job = finish(submit(prompt := "A quiet sea through a gateway", seed=7))
    assert job.status == "completed", job.failure_detail
    assert (spent(alice), stand_in.submits_of(prompt)) == (PRICE, 1)
    with default_storage.open(job.video.file) as stored:
        assert stored.read() == works.video(5.0)
    work = work_of(stand_in, prompt)
    expected = {"model": "sora-2", "seconds": "5", "size": "1280x720", "seed": "7"}
    assert {name: work.asked[name] for name in expected} == expected
    assert work.headers["authorization"] == f"Bearer {stand_in.key}"  # ours stays with the gateway
    assert work.id not in task_of(job).remote_id  # it is wrapped, and used as it came


def test_a_picture_reaches_the_provider(finish, submit, stand_in):
    drawn = io.BytesIO()
    Image.new("RGB", (640, 360), "navy").save(drawn, "JPEG")
    name = uploads.keep(ContentFile(drawn.getvalue(), name="sea.jpg"))
    order = {"generation_type": "image_to_video", "upload": name, "upload_name": "sea.jpg"}
    job = finish(submit(prompt := "A picture of a sea", **order))
    assert job.status == "completed", job.failure_detail
    with Image.open(io.BytesIO(work_of(stand_in, prompt).image)) as sent:
        assert (sent.format, sent.size) == ("JPEG", (640, 360))
    assert stand_in.submits_of(prompt) == 1


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("refuse", FailureCode.PROVIDER_REJECTED),
        ("moderate", FailureCode.CONTENT_REJECTED),
        ("fail", FailureCode.PROVIDER_UNAVAILABLE),
        ("flag", FailureCode.CONTENT_REJECTED),
    ],
)
def test_a_refusal_or_a_failure_means_what_it_does_without_a_gateway(word, code, finish, submit, alice):
    job = finish(submit(f"A quiet sea [{word}]"))
    assert (job.status, job.failure_code) == ("failed", code)
    assert spent(alice) == 0
    assert not RemoteTask.objects.to_review().exists()


@pytest.mark.parametrize("word", ["strange", "stutter", "expired", "drip"])
def test_what_is_odd_but_no_failure_is_sat_out(word, finish, submit, stand_in):
    job = finish(submit(prompt := f"A quiet sea [{word}]"))
    assert job.status == "completed", job.failure_detail
    assert stand_in.submits_of(prompt) == 1


def test_a_word_nobody_has_heard_of_comes_through_and_is_logged(drive, submit, caplog):
    submit("A strange and endless sea [strange] [ages]")
    drive()
    eventually(lambda: "'warming_up'" in caplog.text)


def test_a_busy_provider_is_asked_again_by_us_and_not_by_the_gateway(finish, submit, stand_in):
    job = finish(submit(prompt := "A quiet sea [busy]"))
    assert job.status == "completed", job.failure_detail
    assert states(job) == [RemoteState.REFUSED, RemoteState.REFUSED, RemoteState.MADE]
    assert (stand_in.refused[prompt], stand_in.submits_of(prompt)) == (2, 1)


@pytest.mark.parametrize("word", ["lost", "broken"])
def test_a_submit_whose_reply_was_lost_is_not_repeated_by_the_gateway_either(
    word, far, finish, submit, stand_in, alice
):
    far(unknown_seconds=1.0)
    job = finish(submit(prompt := f"A quiet sea [{word}]"))
    assert (job.status, stand_in.submits_of(prompt), spent(alice)) == ("failed", 1, 0)
    assert RemoteTask.objects.to_review().get().job_id == job.id


def test_a_job_waits_while_the_gateway_does_not_know_our_key(far, drive, submit, monkeypatch, stand_in):
    monkeypatch.setenv("FAR_KEY", "sk-wrong")
    far()
    job = submit(prompt := "A sea behind a door")
    drive()
    eventually(lambda: Upstream.objects.filter(failures__gt=0).exists())
    assert Job.objects.active().filter(id=job.id).exists()  # it is not its user's fault
    monkeypatch.setenv("FAR_KEY", MASTER_KEY)
    far()
    Upstream.objects.update(closed_until=F("changed_at"))  # the pause, that a person would sit out
    eventually(lambda: Job.objects.get(id=job.id).status == "completed")
    assert stand_in.submits_of(prompt) == 1


def test_a_gateway_left_to_itself_pays_three_times(gateway, stand_in):
    """Why each submit tells it not to try again."""
    gateway.submit(prompt=(prompt := "A sea of its own [lost]"))
    assert stand_in.submits_of(prompt) == 3


def test_a_gateways_own_fallback_pays_twice(gateway, stand_in):
    """Why the documentation has a model's fallbacks in our entries, and none in the gateway."""
    headers = {"x-litellm-num-retries": "0"}
    gateway.submit(model="leaning", prompt=(prompt := "A leaning sea [lost]"), headers=headers)
    assert stand_in.submits_of(prompt) == 2
