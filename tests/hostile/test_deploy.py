"""The production settings of README.md, judged by Django's own deployment check and by their effect."""

import json
import os
import pathlib
import re
import secrets
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TELL = """
import json
from django.conf import settings
from django.test import Client
seen = []
for proto in ("http", "https"):
    answer = Client(SERVER_NAME="video.example.com").get("/login", headers={"x-forwarded-proto": proto})
    secure = [bool(cookie["secure"]) for cookie in answer.cookies.values()]
    seen.append([answer.status_code, answer.get("Location"), answer.get("Strict-Transport-Security"), secure])
print(json.dumps(seen))
"""


def production():
    """The environment that README.md shows, with a key, and without servers, which none of this needs."""
    block = (ROOT / "README.md").read_text().split("## Production")[1].split("```")[1]
    found = dict(re.findall(r"([A-Z_]+)=(\S+)", block))
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "TRUST_PROXY", "DATABASE_URL", "REDIS_URL"} <= set(found)
    return {**found, "SECRET_KEY": secrets.token_urlsafe(64), "LOG_LEVEL": "ERROR"}


def manage(folder, *arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, **production(), "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def answers(folder, **environment):
    done = manage(folder, "shell", "--no-imports", "-c", TELL, DATABASE_URL="", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_deployment_check_has_nothing_to_warn_of(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level=WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("weakened", [{"SECURE_COOKIES": "false"}, {"SECURE_SSL_REDIRECT": "false"}])
def test_the_deployment_check_is_not_deaf(tmp_path, weakened):
    assert manage(tmp_path, "check", "--deploy", "--fail-level=WARNING", **weakened).returncode == 1


def test_behind_a_proxy_http_is_sent_to_https_and_https_is_kept(tmp_path):
    by_http, by_https = answers(tmp_path)
    assert by_http == [301, "https://video.example.com/login", None, []]
    assert by_https == [200, None, "max-age=2592000", [True]]


def test_a_trial_over_plain_http_works(tmp_path):
    by_http, _ = answers(tmp_path, TRUST_PROXY="false", SECURE_COOKIES="false")
    assert by_http == [200, None, None, [False]]
