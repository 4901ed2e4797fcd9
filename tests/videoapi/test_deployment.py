"""Dockerfile, compose.yaml and systemd units: linted, held to our rules, their commands run natively."""

import configparser
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests import live, ports, services
from tests.videoapi import deployment
from videoapi.client import FINISHED

ROOT = deployment.ROOT
BIN = Path(sys.executable).parent
OURS = ("migrate", "web", "worker")
# What .env can't change in a container: compose.yaml makes it of the other services.
MADE = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUST_PROXY", "DATABASE_URL", "REDIS_URL", "DATA_DIR"}
GIVEN = {"SITE_HOST": "video.example.com", "SECRET_KEY": "k" * 60, "WORKER_QUEUES": "render=1"}


def seconds(text: str) -> float:
    amount, unit = re.fullmatch(r"(\d+)(s|m)?", text).groups()
    return float(amount) * (60 if unit == "m" else 1)


def grace(command: list[str]) -> float:
    return float(command[command.index("--grace") + 1])


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / f"deploy/videoapi-{name}.service")
    return parser


def test_the_dockerfile_passes_hadolint():
    done = subprocess.run([BIN / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_fits_the_compose_specification():
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", deployment.SERVICES)
def test_every_container_is_confined(name):
    service = deployment.SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_as_nobody_and_reap_what_is_left(name):
    service = deployment.SERVICES[name]
    assert service["user"] == f"{deployment.UID}:{deployment.UID}"
    assert service["init"] is True
    assert "cap_add" not in service
    assert f"USER {deployment.UID}:{deployment.UID}" in deployment.DOCKERFILE


@pytest.mark.parametrize("name", sorted(set(deployment.SERVICES) - {"migrate"}))
def test_every_lasting_container_is_bounded_and_watched(name):
    service = deployment.SERVICES[name]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert "healthcheck" in service or name == "web"  # whose check is the image's


def test_only_the_proxy_can_be_reached_from_outside():
    exposed = {name for name, service in deployment.SERVICES.items() if "ports" in service}
    assert exposed == {"proxy"}
    for name in ("postgres", "redis"):
        assert deployment.SERVICES[name]["networks"] == ["inside"]
    assert deployment.COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_in_dot_env_reaches_all_of_ours(name):
    told = {setting: f"a {setting}" for setting in deployment.readme_settings()}
    assert "ORPHAN_AGE_SECONDS" in told
    reached = deployment.environment(name, {**GIVEN, **told})
    lost = {setting for setting in told if reached[setting] != told[setting]}
    assert lost == (MADE if name == "web" else MADE | {"DATABASE_POOL"})


@pytest.mark.parametrize("name", OURS)
def test_what_dot_env_does_not_say_is_left_to_the_defaults(name):
    pinned = set(deployment.environment(name, {})) & deployment.readme_settings()
    assert pinned == MADE | {"SECRET_KEY", "DATABASE_POOL"}


def test_only_web_pools_its_connections_and_need_not():
    pools = {name: deployment.environment(name, GIVEN)["DATABASE_POOL"] for name in OURS}
    assert pools == {"migrate": "false", "web": "true", "worker": "false"}
    assert deployment.environment("web", {**GIVEN, "DATABASE_POOL": "false"})["DATABASE_POOL"] == "false"


def test_the_example_names_what_can_not_be_set_there():
    example = (ROOT / "deploy/example.env").read_text()
    named = example.split("compose.yaml makes them itself:\n# ")[1].partition(".\n")[0]
    assert set(named.split(", ")) == MADE


def test_each_of_the_others_gets_its_own_secret_and_none_of_ours():
    told = {**GIVEN, "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}
    got = {name: deployment.environment(name, told) for name in set(deployment.SERVICES) - set(OURS)}
    assert got == {
        "postgres": {"POSTGRES_USER": "videoapi", "POSTGRES_DB": "videoapi", "POSTGRES_PASSWORD": "p"},
        "redis": {"REDISCLI_AUTH": "r"},
        "proxy": {"SITE_HOST": GIVEN["SITE_HOST"]},
    }


def test_no_secret_is_in_the_files():
    for path in (ROOT / "compose.yaml", ROOT / "deploy/example.env", ROOT / "Dockerfile"):
        for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
            for value in re.findall(rf"\b{name}[=:][ \t]*(\S*)", path.read_text()):
                assert value == "" or value.startswith(("${", "?")), (path.name, value)


def test_whoever_stops_a_container_waits_longer_than_its_grace():
    worker, web = deployment.SERVICES["worker"], deployment.SERVICES["web"]
    assert seconds(worker["stop_grace_period"]) > grace(worker["command"]) + 15  # and hands its jobs on
    serve = deployment.dockerfile_command("CMD")
    drain = float(serve[serve.index("--timeout-graceful-shutdown") + 1])
    assert seconds(web["stop_grace_period"]) > drain


def test_systemd_stops_the_supervisor_alone_and_waits_for_it():
    for name in ("web", "worker"):
        service = unit(name)["Service"]
        assert (service["KillMode"], service["Restart"]) == ("mixed", "always")
        assert service["User"] == "videoapi"
    worker = unit("worker")["Service"]
    assert float(worker["TimeoutStopSec"]) > grace(worker["ExecStart"].split()) + 15


@pytest.mark.parametrize("name", ["web", "worker"])
def test_systemd_makes_the_one_folder_that_may_be_written_and_it_is_where_data_go(name):
    service = unit(name)["Service"]
    assert service["ProtectSystem"] == "strict"
    assert "DATA_DIR=/var/lib/videoapi" in service["Environment"].split()
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("videoapi", "0750")
    assert "ReadWritePaths" not in service  # of a folder that is missing: no start at all


def test_everything_waits_for_the_migrations():
    for name in ("web", "worker"):
        needed = deployment.SERVICES[name]["depends_on"]["migrate"]
        assert needed == {"condition": "service_completed_successfully"}


def wait(until: Callable[[], bool], *, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, until
        time.sleep(0.3)


@pytest.fixture
def database(monkeypatch):
    """A PostgreSQL database of its own, as Compose has one; on SQLite where there is no server."""
    server = services.postgresql()
    if server is None and os.environ.get("CI"):
        pytest.fail("CI needs PostgreSQL.")
    monkeypatch.setenv("DATABASE_URL", server or "")
    with live._database() as url:
        yield url


@pytest.mark.slow
def test_the_files_commands_make_a_video_and_their_checks_tell_the_truth(tmp_path, database):
    port = ports.reserve()
    machine = deployment.Machine(
        tmp_path, port, DATABASE_URL=database, REDIS_URL=services.redis_server() or ""
    )
    env = {name: deployment.environment(name, GIVEN) for name in OURS}
    commands = {name: deployment.SERVICES[name].get("command") for name in OURS}
    web_check = deployment.dockerfile_command("HEALTHCHECK")
    worker_check = deployment.SERVICES["worker"]["healthcheck"]["test"][1:]
    log = tmp_path / "log"

    def well(check: list[str], name: str) -> bool:
        return machine.run(check, env[name]).returncode == 0

    migrated = machine.run(commands["migrate"], env["migrate"])
    assert migrated.returncode == 0, migrated.stderr
    assert not well(web_check, "web")
    assert not well(worker_check, "worker")
    web = machine.start(deployment.dockerfile_command("CMD"), env["web"], log)
    worker = machine.start(commands["worker"], env["worker"], log)
    try:
        wait(lambda: well(web_check, "web"))
        wait(lambda: well(worker_check, "worker"))
        token = machine.run(["python", "manage.py", "create_token", "alice", "--grant=50"], env["web"]).stdout
        make_a_video(f"http://127.0.0.1:{port}", token.strip())
    except BaseException:
        print(log.read_text())
        raise
    finally:
        web.terminate()
        worker.terminate()
        ended = [web.wait(40), worker.wait(80)]
    assert ended[1] == 0, log.read_text()
    assert not well(web_check, "web")
    assert not well(worker_check, "worker")
    written = [path for path in machine.app.rglob("*") if path.name == "__pycache__"]
    assert written == []


def make_a_video(url: str, token: str) -> None:
    """Have one made and read it, as a client whose proxy speaks TLS for it."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Host": GIVEN["SITE_HOST"],
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.7",
    }
    with httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as http:
        job = http.post("/videos/generate", json={"prompt": "A fjord", "resolution": "sd_480p"}).json()
        path = f"/videos/jobs/{job['job_id']}"
        wait(lambda: http.get(f"{path}/status").json()["status"] in FINISHED)
        result = http.get(f"{path}/result").json()
        address = result["video"]["url"]
        assert address.startswith(f"https://{GIVEN['SITE_HOST']}/")
        assert b"ftyp" in http.get(address.partition(GIVEN["SITE_HOST"])[2]).content[:16]
