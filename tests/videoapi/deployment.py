"""Reads Dockerfile and compose.yaml, and runs what they say natively, as their user, with their files."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
UID = 10001
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def dockerfile_command(instruction: str) -> list[str]:
    """Return the exec form that ends the last such instruction (CMD, HEALTHCHECK)."""
    joined = DOCKERFILE.replace("\\\n", " ")
    lines = re.findall(rf"^{instruction}\b.*?(\[.*\])\s*$", joined, re.MULTILINE)
    command: list[str] = json.loads(lines[-1])
    return command


def context(folder: Path) -> Path:
    """Copy what `.dockerignore` lets into the image, readable by all, and return where it lies."""
    app = folder / "app"
    app.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                shutil.copytree(source, app / source.name, ignore=ignored)
            else:
                shutil.copy(source, app)
    return app


def readme_settings() -> set[str]:
    """Return the names in README.md's table of settings."""
    table = (ROOT / "README.md").read_text().split("## Settings")[1]
    cells = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def environment(service: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return a service's environment as Compose makes it where `given` stands in `.env`.

    All of it reaches a service with an `env_file`, others only what a `${NAME…}` asks for; that comes first.
    """

    def fill(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(":-")
        return given.get(name.partition(":?")[0], default)

    files = [entry["path"] for entry in SERVICES[service].get("env_file", [])]
    asked = SERVICES[service]["environment"].items()
    return {
        **(given if ".env" in files else {}),
        **{name: re.sub(r"\$\{([^}]+)\}", fill, value) for name, value in asked},
    }


class Machine:
    """Stands for a container: a folder for /data, a port for 8000, a user who may write nowhere else."""

    def __init__(self, folder: Path, port: int, **values: str) -> None:
        self.app = context(folder)
        self.data = folder / "data"
        self.data.mkdir()
        if os.getuid() == 0:
            os.chown(self.data, UID, UID)
        self.port = port
        self.values = values  # what is not where the containers have it, by its setting

    def start(
        self, command: list[str], environment: Mapping[str, str], log: Path
    ) -> "subprocess.Popen[bytes]":
        """Start a command as the container would; its lines go to `log`."""
        with log.open("ab") as file:
            return subprocess.Popen(
                self._native(command), cwd=self.app, env=self._env(environment), stdout=file, stderr=file
            )

    def run(self, command: list[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            self._native(command), cwd=self.app, env=self._env(environment), capture_output=True, text=True
        )

    def _env(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
            "DATA_DIR": str(self.data),
            **self.values,
        }

    def _native(self, command: list[str]) -> list[str]:
        program = sys.executable if command[0] == "python" else command[0]
        rest = [word.replace("8000", str(self.port)).replace("0.0.0.0", "127.0.0.1") for word in command[1:]]
        return [*_as_that_user(), program, *rest]


def _as_that_user() -> list[str]:
    if os.getuid() != 0:
        return []  # nobody special already
    # It may read what we may (an interpreter in root's home), and write nothing of ours.
    keep = "-all,+dac_read_search"
    return [
        *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"),
        *(f"--inh-caps={keep}", f"--ambient-caps={keep}"),
    ]
