"""A short storm on either database, a third of its jobs at remote providers; `make storm` runs long ones."""

import os
import secrets

import pytest

from tests import turns
from tests.faults import servers, storm
from tests.faults.storm_plan import Least

pytestmark = [
    pytest.mark.slow,
    # About a minute each, unless the machine is busy with something else. To wait for a turn does not count.
    pytest.mark.timeout(1200, func_only=True),
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="brings its own servers: once is enough"),
]
JOBS = {"acknowledged": 12, "completed": 3, "completed_remotely": 1, "taken": 3}
ON_POSTGRESQL = Least(**JOBS, kills=8, kinds=5, first=frozenset({"postgresql", "redis", "web", "driver"}))
ON_SQLITE = Least(**JOBS, kills=6, kinds=4, first=frozenset({"web", "driver"}))
# A strike every two seconds: each kind of them comes about once, the servers and the web first.
SHORT = {"seconds": 36.0, "users": 6, "pause": (1.0, 3.0)}


@pytest.fixture(autouse=True)
def _one_at_a_time(shared_folder):
    """Each has a dozen processes or two: several would show how busy the machine is, and little else."""
    with turns.alone(shared_folder / "storm.lock"):
        yield


def seed():
    return int(os.environ.get("STORM_SEED") or secrets.randbelow(10**6))


def blow(**plan):
    report = storm.run(storm.Plan(seed=seed(), **{**SHORT, **plan}), print)
    print(report)
    return report


def assert_all_is_well_and_enough_was_done(report, least):
    assert report.violations == [], str(report)
    assert report.acknowledged >= least.acknowledged
    assert report.outcomes["completed"] >= least.completed
    assert report.remote_outcomes["completed"] >= least.completed_remotely
    assert report.sold.taken >= least.taken
    assert report.kills.total() >= least.kills
    assert least.first <= set(report.kills)
    assert len(report.kills) >= least.kinds


@pytest.mark.parametrize("broker", ["database", "redis"])
def test_everything_that_was_promised_is_kept_on_postgresql_wherever_the_queue_is(broker):
    servers.require()
    report = blow(broker=broker, least=ON_POSTGRESQL)
    assert_all_is_well_and_enough_was_done(report, ON_POSTGRESQL)


def test_everything_that_was_promised_is_kept_on_sqlite():
    report = blow(sqlite=True, seconds=28.0, least=ON_SQLITE)
    assert_all_is_well_and_enough_was_done(report, ON_SQLITE)
