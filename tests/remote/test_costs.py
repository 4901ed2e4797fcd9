"""What a job cost the operator is kept: as the provider reports it, else by the table."""

import pytest
from django.utils import timezone

from jobs import margins
from tests.remote.cases import CASES
from tests.remote.stand_ins.openrouter import COST_OF_A_SECOND

NAMES = {case.name: case for case in CASES}
PRICE = {"per_video": 0.1, "per_second": 0.05, "currency": "EUR"}

pytestmark = pytest.mark.slow


def sold():
    today = timezone.now().date()
    return margins.total(margins.by_day(today - margins.DAY, today))


@pytest.mark.parametrize("case", [NAMES["openai"]], indirect=True, ids=["openai"])
def test_a_cost_that_nobody_reports_is_that_of_the_table(far, finish, submit, task_of):
    far(price=PRICE)
    task = task_of(finish(submit()))
    assert (task.cost_micros, task.currency, task.is_cost_reported) == (350_000, "EUR", False)
    assert (sold().by_table, sold().reported) == ({"EUR": 350_000}, {})


@pytest.mark.parametrize("case", [NAMES["veo"]], indirect=True, ids=["veo"])
def test_a_provider_with_lengths_of_its_own_costs_by_those(far, finish, submit, task_of, settings):
    far(price=PRICE)
    settings.VIDEO_MODELS = {"far": {**settings.VIDEO_MODELS["far"], "options": {"seconds": [4, 6, 8]}}}
    task = task_of(finish(submit()))  # it was asked for 6 seconds, where 5 were ordered
    assert (task.cost_micros, sold().by_table) == (400_000, {"EUR": 400_000})


@pytest.mark.parametrize("case", [NAMES["openai"]], indirect=True, ids=["openai"])
def test_without_a_table_it_is_not_known(far, finish, submit, task_of):
    task = task_of(finish(submit()))
    assert (task.cost_micros, task.currency) == (None, "")
    assert (sold().completed, sold().unknown, sold().costs) == (1, 1, {})


@pytest.mark.parametrize("case", [NAMES["openrouter"]], indirect=True, ids=["openrouter"])
def test_a_cost_that_is_reported_counts_for_more_than_the_table(far, finish, submit, task_of):
    far(price=PRICE)
    task = task_of(finish(submit()))
    told = round(5 * COST_OF_A_SECOND * 1_000_000)
    assert (task.cost_micros, task.currency, task.is_cost_reported) == (told, "USD", True)
    assert (sold().by_table, sold().reported) == ({}, {"USD": told})
