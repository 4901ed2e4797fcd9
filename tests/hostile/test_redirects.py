"""A redirect opens no door that a URL does not: the tables of tests/jobs/outbound, once more."""

import pytest

from jobs import outbound
from tests.jobs import servers
from tests.jobs.outbound.fetching import fetch
from tests.jobs.outbound.test_addresses import NOT_PUBLIC
from tests.jobs.outbound.test_urls import REFUSED_URLS

# What can stand in a header and means no path of the redirecting server itself; `//host` is a fine redirect.
LOCATIONS = [url for url in REFUSED_URLS if ":" in url and url.isprintable() and url == url.strip()]


@pytest.fixture
def start(settings):
    """A server that may be fetched from, and redirects to what its `location` is."""

    def answer(connection, request, server):
        connection.sendall(servers.redirect("/").replace(b"Location: /", b"Location: " + server.location))

    with servers.serving(answer) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        yield server


def refused(start, location, target, resolver):
    before = len(start.requests)
    start.location = location.encode()
    with pytest.raises(outbound.OutboundRefused) as caught:
        fetch(start.url("/"), target, resolver=resolver)
    assert not target.exists()
    assert len(start.requests) == before + 1, location  # asked once, and led nowhere
    return str(caught.value) + caught.value.reason


@pytest.mark.parametrize("location", LOCATIONS, ids=ascii)
def test_a_redirect_to_a_refused_url_is_refused_before_any_name_is_looked_up(location, start, tmp_path):
    def own(host, port):
        assert host == "127.0.0.1", "no other name may be looked up"
        return ["127.0.0.1"]

    refused(start, location, tmp_path / "fetched", own)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_redirect_to_a_name_at_an_address_that_is_not_public_is_refused(address, start, tmp_path):
    answers = {"127.0.0.1": ["127.0.0.1"], "rebound.example": [address]}
    reason = refused(start, "http://rebound.example/", tmp_path / "fetched", lambda host, port: answers[host])
    assert "not public" in reason


def test_the_tables_are_long_enough_to_be_worth_it():
    assert len(LOCATIONS) > 90
    assert len(NOT_PUBLIC) > 70
