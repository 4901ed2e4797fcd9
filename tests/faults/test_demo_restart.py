"""The demo on a PostgreSQL that is restarted in the middle of it."""

import re

import pytest

from tests.faults import servers
from tests.videoapi.test_run import Command

pytestmark = pytest.mark.slow


@pytest.fixture
def postgresql():
    servers.require()
    with servers.scratch() as folder, servers.PostgreSQL(folder) as server:
        yield server


@pytest.mark.timeout(900)
def test_the_demo_ends_well_though_its_database_restarts_twice(postgresql, tmp_path):
    folder = tmp_path / "demo"
    with Command(tmp_path, "demo", "--folder", str(folder), "--database", postgresql.url) as command:
        for name in ("generate", "animate"):
            command.wait_for(rf"({name}\b)", 240)
            postgresql.restart()
        assert command.process.wait(240) == 0, command.text() + (folder / "demo.log").read_text()[-5000:]
    assert "FAIL" not in command.text()
    assert re.search(r"(\d+) of \1 checks hold", command.text())


@pytest.mark.timeout(400)
def test_the_demo_refuses_a_database_with_something_in_it(postgresql, tmp_path):
    with servers.psycopg.connect(postgresql.url) as connection:
        connection.execute("CREATE TABLE precious (id int)")
    with Command(
        tmp_path, "demo", "--folder", str(tmp_path / "demo"), "--database", postgresql.url
    ) as command:
        assert command.process.wait(240) == 1
        assert "not empty" in command.text()
