"""A production start refuses unsafe settings, and says why."""

import os
import pathlib
import subprocess
import sys

import pytest

from videoapi import safety

ROOT = pathlib.Path(__file__).parents[2]
SAFE = {"SECRET_KEY": "k" * 64, "ALLOWED_HOSTS": "video.example.com", "DEBUG": "false"}


def start(folder, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder), **SAFE, **environment},
        capture_output=True,
        text=True,
    )


def test_safe_settings_start(tmp_path):
    started = start(tmp_path)
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must not be"),
        ({"OUTBOUND_ALLOWED_HOSTS": "10.0.0.1"}, "OUTBOUND_ALLOWED_HOSTS"),
        ({"JWT_ISSUER": "https://id.example"}, "must be set together"),
        (
            {"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", "JWT_JWKS_URL": "http://id.example/jwks"},
            "JWT_JWKS_URL must be https",
        ),
        ({"JWT_ALGORITHMS": "HS256"}, "JWT_ALGORITHMS must be asymmetric"),
        ({"DUST_PRICES": '{"generate": -1, "animate": 8}'}, "jobs.E001"),
        ({"OUTBOUND_TIMEOUT_SECONDS": "60"}, "jobs.E006"),
    ],
)
def test_an_unsafe_setting_is_refused_with_the_reason(tmp_path, environment, reason):
    refused = start(tmp_path, **environment)
    assert refused.returncode != 0
    assert reason in refused.stderr
    assert "k" * 64 not in refused.stderr


def test_development_makes_a_secret_key_once_and_only_its_owner_reads_it(tmp_path):
    first = safety.generated_secret_key(tmp_path, allowed=True)
    assert len(first) >= safety.MIN_SECRET_LENGTH
    assert safety.generated_secret_key(tmp_path, allowed=True) == first
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0


def test_processes_that_start_at_once_get_one_key(tmp_path, together):
    assert len(set(together(lambda _: safety.generated_secret_key(tmp_path, allowed=True), range(8)))) == 1


def test_production_makes_no_key(tmp_path):
    assert safety.generated_secret_key(tmp_path, allowed=False) == ""
    assert list(tmp_path.iterdir()) == []
