"""The product's settings, as the tests run them."""

import os
import tempfile
from pathlib import Path

_tag = os.environ.get("TEST_TAG", "main")  # lets several runs share one machine
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_folder = Path(tempfile.gettempdir()) / f"videoapi-tests-{os.getuid()}" / _tag / _worker
(_folder / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
os.environ.update(
    DEBUG="false",
    SECRET_KEY="tests-only-" + "x" * 50,
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    DATA_DIR=str(_folder),
    SECURE_COOKIES="false",
    REHEARSAL="true",
    RATE_SUBMIT="100000/min",
    RATE_READ="100000/min",
    RATE_LOGIN="100000/min",
    RATE_CALLBACK="100000/min",
    RATE_WEBHOOK="100000/min",
    DUST_OPENING_GRANT="100",
    LOG_LEVEL="WARNING",
)

from videoapi.settings import *  # noqa: E402, F403
from videoapi.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: threads and processes of a test must meet in one database.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_videoapi_{_tag}"}

# Static files are looked for when one is asked for: else each client lists them all at its start.
WHITENOISE_AUTOREFRESH = True
