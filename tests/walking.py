"""Walking a model of the product through many histories, over the real database."""

import contextlib
import os
import random
import sys

import hypothesis
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as chosen
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from dust import audit

SEED = os.environ.get("MODEL_SEED")  # other histories than the usual ones, and no time spent to shorten them
ROUNDS = 36  # of walking, at most; one is enough nearly always
MORE = 10  # histories in each round but the first

NUMBERS = st.integers(0, 2**32)


def walk(machine, *, examples, steps, missing):
    """Run a state machine through that many examples by MODEL_SEED, and on until nothing is `missing()`.

    One round misses a rare move now and then. Its histories are not quite the same each time: hypothesis
    draws numbers from the source of whatever modules are loaded, so from what tests ran before.
    """
    for number in range(ROUNDS):
        hypothesis.seed(int(SEED or 0) + number * 1_000_003)(machine)
        run_state_machine_as_test(machine, settings=_settings(MORE if number else examples, steps))
        if not missing():
            return


def _settings(examples, steps):
    return chosen(
        max_examples=examples,
        stateful_step_count=steps,
        phases=[Phase.generate, Phase.shrink] if SEED is None else [Phase.generate],
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class Walk(RuleBasedStateMachine):
    """A history that is taken back when it ends, so that none meets what another left. The books must be
    sound by then.

    One rule is best, which draws one of NUMBERS and does what the state and a dice say. Hypothesis leaves
    rules out at random and likes small numbers: with a rule for each verb it hardly ever came to a refund.
    The shortest history that fails it finds all the same.
    """

    def __init__(self):
        super().__init__()
        self._turn = 0
        self._taken_back = contextlib.ExitStack()
        self._taken_back.enter_context(transaction.atomic())
        self._taken_back.callback(transaction.set_rollback, True)

    def dice(self, number):
        """Return this turn's; hypothesis likes to repeat its numbers."""
        self._turn += 1
        return random.Random(number * 1000 + self._turn)

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:  # else the books say nothing that the failed step hasn't said
                assert audit.violations() == []
        finally:
            self._taken_back.close()


def happens(verb, *, unless=()):
    """Do what must succeed (or be refused by one of `unless`: then None). Whatever else it raises is a
    failure of the test, not an error in it.
    """
    try:
        return verb()
    except unless:
        return None
    except Exception as error:
        raise AssertionError(f"raised {type(error).__name__}: {error}") from error


def refuses(refusal, verb):
    """Do what must be refused with `refusal`."""
    try:
        verb()
    except refusal:
        return
    except Exception as error:
        raise AssertionError(f"{refusal.__name__} was due, not {type(error).__name__}: {error}") from error
    raise AssertionError(f"{refusal.__name__} was due")
