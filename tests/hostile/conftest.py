"""An installation with real objects in it, for generated requests to reach."""

import io
import json
import os
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.live import Installation

# Its jobs wait in a queue that no worker here serves: thousands can be submitted, and none is rendered.
WAITING = {
    "title": "Waits",
    "provider": "jobs.providers.rehearsal.Rehearsal",
    "seconds_of_work": 0.1,
    "queue": "remote",
}


@pytest.fixture(scope="package")
def installation(tmp_path_factory):
    with Installation(
        tmp_path_factory.mktemp("fuzzed"),
        DUST_OPENING_GRANT="100000000",
        MAX_ACTIVE_JOBS="1000000",
        RATE_SUBMIT="1000000/min",
        RATE_READ="1000000/min",
        MAX_STREAMS="1000000",
        STREAM_SECONDS="0.2",  # each is read to its end
        RATE_WEBHOOK="1000000/min",
        MAX_WEBHOOKS="1000000",
        WEBHOOKS_AT_ONCE="0",  # nothing is sent to whatever hosts the requests make up
        VIDEO_MODELS=json.dumps({"waiting": WAITING}),
        DEFAULT_MODEL="waiting",
        WORKER_QUEUES="render=1",
    ) as running:
        yield running


# one for each operation that would spoil it for the others, the last one for these
WEBHOOKS = ("deleteWebhook", "changeWebhook", "others")
END_ALL = (
    "from django.db.models.functions import Now; from webhooks.models import *;"
    "Delivery.objects.update(state=State.FAILED, ended_at=Now())"
)


@pytest.fixture(scope="package")
def objects(installation):
    """A user's token, and ids of what the user has: jobs in each state, videos, and links to their files."""
    token = installation.token(f"fuzzed{os.urandom(4).hex()}")
    api = installation.user_of(token)
    try:
        finished = [_finished(api, prompt) for prompt in ("A sea", "[reject] a sea")]
        finished.append(_finished(api, "A picture", picture=True))
        waiting = [api.submit("/videos/generate", key=f"w{n}", json={"prompt": "A hill"}) for n in range(3)]
        webhooks = [_webhook(api, name) for name in WEBHOOKS]
        told = api.submit(f"/webhooks/{webhooks[-1]}/test", key="t", json={})["delivery"]["id"]
        installation.manage("shell", "-c", END_ALL)
        videos = [api.get(f"/videos/jobs/{job}/result")["video"] for job, state in finished if state]
    finally:
        api.close()
    links = [video[name] for video in videos for name in ("url", "thumbnail_url")]
    waiting_ids = [receipt["job_id"] for receipt in waiting]
    return SimpleNamespace(
        token=token,
        jobs=[job for job, _ in finished] + waiting_ids,
        completed=[job for job, state in finished if state],
        waiting=waiting_ids,
        videos=[video["id"] for video in videos],
        webhooks=dict(zip(WEBHOOKS, webhooks, strict=True)),
        told=told,
        files=[tuple(link.rsplit("/", 2)[1:]) for link in links],
    )


def _webhook(api, name):
    made = api.submit("/webhooks", key=name, json={"url": f"https://hooks.example/{name}"})
    return made["webhook"]["id"]


def _finished(api, prompt, *, picture=False):
    fields = {"prompt": prompt, "model": "rehearsal", "resolution": "sd_480p"}
    if picture:
        made = api.submit("/videos/animate", key=prompt, data=fields, files={"image": _picture()})
    else:
        made = api.submit("/videos/generate", key=prompt, json=fields)
    *_, last = api.follow(made["job_id"])
    return made["job_id"], last["status"] == "completed"


def _picture():
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    return "teal.png", file.getvalue(), "image/png"
