"""Alice's account, with the 100 DUST that the tests' settings open it with."""

import pytest

from dust import ledger


@pytest.fixture
def account(alice):
    return ledger.open_account(alice.pk)


@pytest.fixture
def bobs_account(bob):
    return ledger.open_account(bob.pk)
