"""Alice's account, with the 100 DUST that the tests' settings open it with."""

import pytest

from dust import audit, invariants, ledger


@pytest.fixture(autouse=True)
def _only_our_rules():
    """The jobs here are bare ids: other apps' rules about them, registered at start, wait outside."""
    registered = dict(audit._checks)
    audit._checks.clear()
    audit.register(invariants.CHECKS)
    yield
    audit._checks.clear()
    audit._checks.update(registered)


@pytest.fixture
def account(alice):
    return ledger.open_account(alice.pk)


@pytest.fixture
def bobs_account(bob):
    return ledger.open_account(bob.pk)
