"""A long storm that did too little is no proof."""

import pytest

from tests.faults.storm_plan import Plan


def ten_minutes(**plan):
    return Plan(seed=1, seconds=600, **plan)


def test_a_long_storm_that_did_enough_falls_short_of_nothing():
    assert ten_minutes().shortfall(jobs=300, kills=100) == ""
    assert ten_minutes(sqlite=True).shortfall(jobs=150, kills=50) == ""


@pytest.mark.parametrize(("jobs", "kills"), [(299, 100), (300, 99), (0, 0)])
def test_a_long_storm_with_too_few_jobs_or_kills_says_so(jobs, kills):
    said = ten_minutes().shortfall(jobs=jobs, kills=kills)
    assert f"{jobs} jobs and {kills} kills in 10 minutes, which should be 300 and 100 at least" in said


def test_sqlite_has_a_scale_of_its_own():
    assert ten_minutes(sqlite=True).shortfall(jobs=149, kills=50)
    assert ten_minutes(sqlite=True).shortfall(jobs=150, kills=49)


def test_a_short_storm_is_not_measured():
    assert Plan(seed=1, seconds=36).shortfall(jobs=1, kills=0) == ""
