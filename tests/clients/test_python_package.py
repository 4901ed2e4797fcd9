"""The Python client as a package: what is generated, typed, installed; and whose webhooks it believes."""

import datetime
import json
import subprocess
import sys
import time
import typing
from pathlib import Path

import pytest
import standardwebhooks
import yaml

import videoapi_client as api
from videoapi_client import errors, types

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "clients/python"
SCHEMAS = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["components"]["schemas"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_c2VjcmV0IG9mIGFub3RoZXIgZW5kcG9pbnQgaGVyZQ=="
BODY = json.dumps({"type": "job.completed", "data": {"note": "Grüße ☀"}}, ensure_ascii=False)


def test_the_sync_client_is_made_from_the_async_one(tmp_path):
    made = tmp_path / "_sync"
    made.mkdir()
    subprocess.run([sys.executable, PACKAGE / "make_sync.py", made], check=True)
    kept = PACKAGE / "videoapi_client/_sync"
    assert {path.name for path in made.glob("*.py")} == {path.name for path in kept.glob("*.py")}
    assert [
        path.name for path in made.glob("*.py") if path.read_text() != (kept / path.name).read_text()
    ] == []


@pytest.mark.slow
def test_it_installs_and_an_app_that_uses_it_type_checks(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-cache-dir"]
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", PACKAGE, source], check=True)  # a build leaves things behind
    target = tmp_path / "site"
    install = ["install", "--no-deps", "--no-build-isolation", "--target", target, source]
    subprocess.run([*pip, *install], check=True)
    assert (target / "videoapi_client/py.typed").exists()
    assert (target / "videoapi_client/_sync/client.py").exists()
    app = tmp_path / "app.py"
    app.write_text(APP)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "cache", app],
        env={"MYPYPATH": "", "PYTHONPATH": str(target), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [line for line in checked.stdout.splitlines() if ": error:" in line]
    assert len(wrong) == 2, checked.stdout
    assert '"resolution"' in wrong[0]
    assert "Missing positional argument" in wrong[1]


APP = """
from videoapi_client import AsyncVideoClient, JobFailedError, VideoClient

with VideoClient("https://video.example.com", "token") as client:
    job = client.videos.generate("A red fox", resolution="hd_720p")
    width: int = job.wait()["video"]["width"]
    client.videos.generate("A red fox", resolution="8k")
    client.videos.animate("https://example.com/fox.png")

async def run(client: AsyncVideoClient) -> str:
    try:
        return (await (await client.videos.generate("A red fox")).wait())["video"]["url"]
    except JobFailedError as error:
        return error.failure_code
"""


@pytest.mark.parametrize(
    ("ours", "theirs", "without"),
    [
        (types.GenerateFields, "GenerateRequest", {"prompt", "user_id"}),
        (types.AnimateFields, "AnimateRequest", {"prompt", "user_id", "image_url"}),
        (types.ReferencePerson, "ReferencePersonRequest", set()),
        (types.JobStatus, "JobStatusAnswer", set()),
        (types.GenerationInfo, "GenerationInfo", set()),
        (types.ListedJob, "ListedJob", set()),
        (types.JobCancelled, "JobCancelledAnswer", set()),
        *((getattr(types, name), name, set()) for name in ("ActiveJob", "Balance", "JobResult", "Model")),
        *((getattr(types, name), name, set()) for name in ("ModelStatistics", "Pagination", "Quote")),
        *((getattr(types, name), name, set()) for name in ("ResultInfo", "Statistics", "SubmitAccepted")),
        *((getattr(types, name), name, set()) for name in ("Transaction", "Video")),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_its_types_are_those_of_the_openapi_document(ours, theirs, without):
    schema = SCHEMAS[theirs]
    assert set(typing.get_type_hints(ours)) == set(schema["properties"]) - without
    assert ours.__required_keys__ == set(schema.get("required", [])) - without


def test_each_error_code_has_its_class():
    assert set(errors.CLASSES) == set(SCHEMAS["ErrorCode"]["enum"])
    assert len(set(errors.CLASSES.values())) == len(errors.CLASSES)
    assert api.error_of(400, {"error_code": "not_found"}).__class__ is api.NotFoundError


def signed(body=BODY, *, secrets=(SECRET,), at=None):
    """Headers as the scheme's own library makes them."""
    moment = datetime.datetime.fromtimestamp(time.time() if at is None else at, datetime.UTC)
    signatures = [standardwebhooks.Webhook(secret).sign("msg_1", moment, body) for secret in secrets]
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def aged(seconds, body=BODY):
    """Say what was signed so long ago once it is asked for: not when the tests are collected."""
    return lambda: signed(body, at=time.time() - seconds)


def test_what_the_official_library_signs_is_believed():
    assert api.verify_webhook(BODY, signed(), SECRET) == json.loads(BODY)
    shouted = {name.title(): value for name, value in signed().items()}
    assert api.verify_webhook(BODY.encode(), shouted, SECRET) == json.loads(BODY)


def test_the_published_vector_of_the_scheme_is_believed():
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert api.verify_webhook('{"test": 2432232314}', headers, SECRET, now=1614265330) == {"test": 2432232314}


def test_while_a_secret_is_replaced_either_is_believed_from_either_side():
    api.verify_webhook(BODY, signed(secrets=(OTHER, SECRET)), SECRET)
    api.verify_webhook(BODY, signed(), [OTHER, SECRET])


def test_the_tolerance_can_be_set():
    api.verify_webhook(BODY, signed(at=time.time() - 360), SECRET, tolerance=600)


@pytest.mark.parametrize(
    ("body", "change", "secret"),
    [
        pytest.param(BODY, {}, OTHER, id="another secret"),
        pytest.param(BODY.replace("completed", "failed"), {}, SECRET, id="another body"),
        pytest.param(BODY, {"webhook-id": "msg_2"}, SECRET, id="another id"),
        pytest.param(
            BODY, lambda: {"webhook-timestamp": str(int(time.time()) - 60)}, SECRET, id="another time"
        ),
        pytest.param(BODY, {"webhook-timestamp": "NaN"}, SECRET, id="no time"),
        pytest.param(BODY, {"webhook-signature": ""}, SECRET, id="no signature"),
        pytest.param(BODY, {"webhook-signature": "v1,*** v1, v2,AAAA v1,ü"}, SECRET, id="not base64"),
        pytest.param(BODY, {}, "whsec_", id="no secret"),
        pytest.param(BODY, {}, "whsec_!!", id="garbled secret"),
        pytest.param(BODY, aged(400), SECRET, id="too old"),
        pytest.param(BODY, aged(-4000), SECRET, id="from the future"),
        pytest.param("hello", aged(0, "hello"), SECRET, id="signed but not JSON"),
    ],
)
def test_anything_else_is_refused_and_the_secret_not_told(body, change, secret):
    headers = {**signed(), **(change() if callable(change) else change)}
    with pytest.raises(api.WebhookVerificationError) as raised:
        api.verify_webhook(body, headers, secret)
    assert SECRET.removeprefix("whsec_") not in repr(raised.value)
