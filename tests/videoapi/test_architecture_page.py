"""docs/architecture.md says what the code does."""

import pathlib
import re

from jobs import states

PAGE = (pathlib.Path(__file__).parents[2] / "docs/architecture.md").read_text()


def test_the_state_table_is_that_of_the_code():
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (\w+) \| (\w*) ?\|$", PAGE, re.MULTILINE)
    written = {(None if source == "–" else source, target, verb, move) for source, target, verb, move in rows}
    coded = {(move.source, move.target, move.verb, move.ledger) for move in states.TRANSITIONS}
    assert written - {("from", "to", "by", "ledger")} == coded


def test_every_state_has_a_word_for_the_money():
    assert set(states.DUST) == set(states.Status)
    assert set(states.ACTIVE) | set(states.FINISHED) == set(states.Status)
