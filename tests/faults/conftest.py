"""The installation that violations are planted in, made once."""

import shutil

import pytest

from tests.faults import checker_books, planting
from tests.faults.planting import Installation


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with planting.database(folder / "db.sqlite3") as url:
        made = Installation(url, folder)
        code = f"from tests.faults import checker_material; checker_material.make({str(folder)!r})"
        for arguments in (["migrate", "--verbosity=0"], ["shell", "--no-imports", "-c", code]):
            done = made.manage(*arguments)
            assert done.returncode == 0, done.stderr
        checker_books.execute(url, "DELETE FROM jobs_message")  # as workers would have
        yield made


@pytest.fixture
def installation(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "copy")
    with planting.database(tmp_path / "copy" / "db.sqlite3", template=finished.url) as url:
        yield Installation(url, tmp_path / "copy")
