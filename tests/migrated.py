"""A SQLite database as `migrate` leaves it, with one user: made once in a run of the tests, and copied.

To migrate takes as much of a processor as all else that an installation does at its start.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import turns

ROOT = Path(__file__).resolve().parent.parent
NAME = "db.sqlite3"  # in DATA_DIR
USER = "probe"
TOKEN = "token"  # the file beside it
# Of all workers of a run (tests/conftest.py); None outside of pytest.
folder: Path | None = None


def copy(target: Path) -> str | None:
    """Put the database there, and return the token of its user; outside of pytest do nothing."""
    if folder is None:
        return None
    made = folder / "migrated"
    with turns.alone(folder / "migrated.lock"):
        if not made.exists():
            _make(folder).rename(made)
    shutil.copyfile(made / NAME, target)
    return (made / TOKEN).read_text()


def _make(beside: Path) -> Path:
    data = Path(tempfile.mkdtemp(dir=beside))
    _manage(data, "migrate", "--verbosity=0")
    (data / TOKEN).write_text(_manage(data, "create_token", USER).strip())
    assert not (data / f"{NAME}-wal").exists(), (
        "its last connection was not closed: a copy would lack what is there"
    )
    return data


def _manage(data: Path, *arguments: str) -> str:
    own = {"DJANGO_SETTINGS_MODULE": "videoapi.settings", "DEBUG": "true", "DATA_DIR": str(data)}
    environment = {**os.environ, **own, "SECRET_KEY": "", "DATABASE_URL": ""}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
