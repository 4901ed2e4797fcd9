"""A web process for all tests of a module, on the tests' own database, and Alice's and Bob's tokens."""

import pytest

from accounts import tokens
from tests.jobs.live import hearing


@pytest.fixture(scope="module")
def web(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock(), hearing.web(tmp_path_factory.mktemp("web")) as served:
        yield served


@pytest.fixture
def token(alice):
    return tokens.issue(alice, name="listens")[1]


@pytest.fixture
def bobs_token(bob):
    return tokens.issue(bob, name="listens")[1]
