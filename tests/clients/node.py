"""Runs Node and npm in the TypeScript client's folder, where everything is installed and built once."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "clients/typescript"
PATIENCE = 280  # seconds: some tests wait for timeouts, and the machine may be busy


def prepare() -> None:
    """Install exactly what package-lock.json names, and build package and tests; several may ask at once."""
    with (PACKAGE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _has_changed("node_modules/.installed", [PACKAGE / "package-lock.json"]):
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            _remember("node_modules/.installed", [PACKAGE / "package-lock.json"])
        if _has_changed("node_modules/.built", _sources()):
            run("npm", "run", "pretest")
            _remember("node_modules/.built", _sources())


def run(*command: str, folder: Path = PACKAGE, **environment: str) -> str:
    """Run to the end, which must be a good one, and return what was printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _sources() -> list[Path]:
    return [*PACKAGE.glob("*.json"), *PACKAGE.glob("src/*"), *PACKAGE.glob("tests/*")]


def _has_changed(stamp: str, files: Iterable[Path]) -> bool:
    path = PACKAGE / stamp
    return not path.exists() or path.read_text() != _digest(files)


def _remember(stamp: str, files: Iterable[Path]) -> None:
    (PACKAGE / stamp).write_text(_digest(files))


def _digest(files: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
