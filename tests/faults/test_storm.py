"""A short storm on either database, a third of its jobs at remote providers; `make storm` runs long ones."""

import os
import secrets

import pytest

from tests.faults import servers, storm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it takes about a minute each, unless the machine is busy with something else
    pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="brings its own servers: once is enough"),
]
# A strike every two seconds: each kind of them comes about once, the servers and the web first.
SHORT = {"seconds": 36.0, "users": 6, "pause": (1.0, 3.0), "least": 8}


def seed():
    return int(os.environ.get("STORM_SEED") or secrets.randbelow(10**6))


def blow(**plan):
    report = storm.run(storm.Plan(seed=seed(), **{**SHORT, **plan}), print)
    print(report)
    return report


@pytest.mark.parametrize("broker", ["database", "redis"])
def test_everything_that_was_promised_is_kept_on_postgresql_wherever_the_queue_is(broker):
    servers.require()
    report = blow(broker=broker)
    assert report.violations == [], str(report)
    assert report.acknowledged >= 12
    assert report.outcomes["completed"] >= 3
    assert report.remote_outcomes["completed"] >= 1
    assert report.sold.taken >= 3
    assert report.kills.total() >= 8
    assert {"postgresql", "redis", "web", "driver"} <= set(report.kills)
    assert len(report.kills) >= 5


def test_everything_that_was_promised_is_kept_on_sqlite():
    report = blow(sqlite=True, seconds=28.0, least=6)
    assert report.violations == [], str(report)
    assert report.acknowledged >= 12
    assert report.outcomes["completed"] >= 3
    assert report.remote_outcomes["completed"] >= 1
    assert report.sold.taken >= 3
    assert report.kills.total() >= 6
    assert {"web", "driver"} <= set(report.kills)
    assert len(report.kills) >= 4
