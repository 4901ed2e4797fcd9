"""The OpenAPI document: complete, consistent, kept beside the code, and clean to a linter."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jobs.providers.base import FailureCode
from tests.videoapi import conformity, document
from videoapi import docs, problems

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "docs" / "openapi.yaml"
LINTER = "@redocly/cli@2.77.0"

# error_code -> HTTP status, as clients were promised it.
PROMISED = {
    "invalid_request": 400,
    "not_authenticated": 401,
    "insufficient_dust": 402,
    "permission_denied": 403,
    "account_frozen": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "job_not_cancellable": 409,
    "job_failed": 409,
    "job_cancelled": 409,
    "idempotency_in_progress": 409,
    "too_many_webhooks": 409,
    "webhook_disabled": 409,
    "delivery_pending": 409,
    "result_expired": 410,
    "video_deleted": 410,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "range_not_satisfiable": 416,
    "idempotency_key_reused": 422,
    "rate_limited": 429,
    "too_many_active_jobs": 429,
    "internal_error": 500,
    "unavailable": 503,
}
OPERATIONS = [pytest.param(*found, id=found[0]) for found in conformity.operations()]


def examples(operation):
    for status, answer in operation["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            for example in content.get("examples", {}).values():
                yield status, media_type, content["schema"], example["value"]


def test_the_document_in_the_repository_is_the_one_the_code_makes():
    made = docs.rendered("yaml").decode()
    assert made == GOLDEN.read_text(), (
        "The API has changed, or what is said of it. Look at the difference and, if it is meant, run "
        "`python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml`."
    )


def test_every_operation_has_a_name_of_its_own():
    ids = [found[0] for found in conformity.operations()]
    assert len(set(ids)) == len(ids) > 15
    assert [name for name in ids if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)] == []


@pytest.mark.parametrize(("name", "method", "path", "operation"), OPERATIONS)
def test_every_operation_is_told_in_full(name, method, path, operation):
    assert operation["summary"]
    told, dust, timing = re.split(r"\n\n\*\*(?:DUST|Timing):\*\* ", operation["description"])
    assert min(len(told) - 40, len(dust), len(timing)) > 0
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in conformity.document()["tags"]}
    assert "security" in operation
    silent = [status for status, answer in operation["responses"].items() if not answer["description"]]
    assert silent == []
    if method in ("post", "put"):
        json_body = operation["requestBody"]["content"]["application/json"]
        assert json_body["examples"]
        assert operation["requestBody"]["content"]["text/plain"] == json_body


@pytest.mark.parametrize(("name", "method", "path", "operation"), OPERATIONS)
def test_every_answer_has_an_example_that_fits_it(name, method, path, operation):
    shown = {status for status, *_ in examples(operation)}
    in_words = {
        status
        for status, answer in operation["responses"].items()
        if any(media_type.endswith(("json", "event-stream")) for media_type in answer.get("content", {}))
    }
    assert shown == in_words
    for status, _, schema, value in examples(operation):
        assert conformity.mistakes(schema, value) == [], (status, value)


@pytest.mark.parametrize("name", ["streamJobEvents", "streamEvents"])
def test_the_events_that_are_shown_carry_a_status(name):
    status = conformity.named("getJobStatus")["responses"]["200"]["content"]["application/json"]["schema"]
    [text] = [value for *_, value in examples(conformity.named(name)) if isinstance(value, str)]
    events = [block for block in document.read("text/event-stream", text) if "data" in block]
    assert len(events) > 1
    assert [mistake for event in events for mistake in conformity.mistakes(status, event["data"])] == []


@pytest.mark.parametrize(("name", "method", "path", "operation"), OPERATIONS)
def test_every_request_example_fits_its_schema(name, method, path, operation):
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for example in content.get("examples", {}).values():
            assert conformity.mistakes(content["schema"], example["value"]) == []


def test_the_error_codes_are_those_that_clients_were_promised():
    assert set(conformity.components()["schemas"]["ErrorCode"]["enum"]) == set(PROMISED)


def test_every_error_example_has_its_code_under_its_status():
    wrong = {
        (value["error_code"], status)
        for _, _, _, operation in conformity.operations()
        for status, media_type, _, value in examples(operation)
        if media_type == "application/problem+json"
        and not (
            value["status"] == PROMISED[value["error_code"]] and status in (str(value["status"]), "default")
        )
    }
    assert wrong == set()


def test_each_shape_of_errors_keeps_to_its_paths():
    wrong = {
        (name, status)
        for name, _, path, operation in conformity.operations()
        for status, answer in operation["responses"].items()
        if status[0] in "45d" and ("application/json" in answer["content"]) != path.startswith("/v1/")
    }
    assert wrong == set()


def test_the_exception_handler_gives_each_promised_code_its_status():
    ours = {code: status for code, status in problems.DOMAIN_STATUS.items() if code in PROMISED}
    assert ours == {code: PROMISED[code] for code in ours}
    made = {code for _, code in problems.API_CODES} | set(problems.DOMAIN_STATUS)
    made |= {"payload_too_large", "precondition_failed", "range_not_satisfiable", "internal_error"}
    assert set(PROMISED) <= made


def test_the_failure_codes_are_named_and_told():
    assert conformity.components()["schemas"]["FailureCode"]["enum"] == FailureCode.values
    told = conformity.named("getJobStatus")["description"]
    assert [code for code in FailureCode.values if f"`{code}`" not in told] == []


def lint():
    command = ["npx", "--offline", "--yes", LINTER, "lint", "docs/openapi.yaml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)


def load_linter():
    """Have npm keep it for `lint`. The registry may be slow, or away for a moment."""
    for _ in range(3):
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not subprocess.run(["npx", "--yes", LINTER, "--version"], cwd=ROOT, timeout=120).returncode:
                return


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_a_linter_finds_nothing():
    if not os.environ.get("CI") and shutil.which("npx") is None:
        pytest.skip("no npx on this machine")
    done = lint()
    if "ENOTCACHED" in done.stderr:
        if not os.environ.get("CI"):
            pytest.skip("the linter is not in npm's cache")
        load_linter()
        done = lint()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warning" not in said.lower().replace("deprecation warning", "").replace("npm warn", ""), said
