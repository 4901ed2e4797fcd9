"""Keys that a provider publishes: fetched seldom, from nowhere else, and none where that fails."""

import json
import logging

import pytest

from jobs.callbacks import published
from tests.jobs import servers

ONE, TWO = ({"kty": "OKP", "crv": "Ed25519", "x": name} for name in ("one", "two"))


def key_set(*keys):
    return servers.ok(json.dumps({"keys": keys}).encode())


@pytest.fixture(autouse=True)
def allow(settings):
    published.forget()

    def allow(*running):
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}" for server in running]

    yield allow
    published.forget()


def test_keys_are_fetched_once_and_kept(allow):
    with servers.serving(key_set(ONE, {"kty": "RSA", "n": "x"}, {**TWO, "x": 2}, TWO)) as server:
        allow(server)
        assert published.keys(server.url()) == ("one", "two")
        assert published.keys(server.url()) == ("one", "two")
        assert published.keys(server.url(), newer=True) == ("one", "two")  # it was asked just now
        assert len(server.requests) == 1


def test_newer_keys_are_looked_for_when_the_old_ones_will_not_do(allow, monkeypatch):
    answers = [key_set(ONE), key_set(TWO)]

    def answer(connection, request, server):
        connection.sendall(answers[min(len(server.requests), len(answers)) - 1])

    monkeypatch.setattr(published, "PAUSE_SECONDS", 0.0)
    with servers.serving(answer) as server:
        allow(server)
        assert published.keys(server.url()) == ("one",)
        assert published.keys(server.url()) == ("one",)
        assert published.keys(server.url(), newer=True) == ("two",)


def test_keys_are_kept_when_newer_ones_cannot_be_had(allow, monkeypatch):
    answers = [key_set(ONE), servers.status(503), key_set(TWO)]

    def answer(connection, request, server):
        connection.sendall(answers[len(server.requests) - 1])

    monkeypatch.setattr(published, "PAUSE_SECONDS", 0.0)
    with servers.serving(answer) as server:
        allow(server)
        assert published.keys(server.url()) == ("one",)
        assert published.keys(server.url(), newer=True) == ("one",)
        assert published.keys(server.url(), newer=True) == ("two",)


@pytest.mark.parametrize(
    "answer",
    [
        servers.status(500),
        servers.status(404),
        servers.ok(b"no JSON"),
        servers.ok(b"[]"),
        servers.ok(b'{"keys": 7}'),
        servers.ok(b'{"keys": {"x": 1}}'),
        servers.ok(b"[" * 60_000),
        servers.ok(b" " * 70_000),
    ],
)
def test_without_a_key_set_there_are_no_keys_and_it_is_not_asked_again_at_once(allow, answer, caplog):
    with servers.serving(answer) as server, caplog.at_level(logging.WARNING):
        allow(server)
        assert published.keys(server.url()) == ()
        assert published.keys(server.url()) == ()
        assert len(server.requests) == 1


def test_keys_of_another_server_are_not_taken(allow, caplog):
    with (
        servers.serving(key_set(ONE)) as elsewhere,
        servers.serving(servers.redirect(elsewhere.url())) as server,
    ):
        allow(server, elsewhere)
        assert published.keys(server.url()) == ()
        assert len(elsewhere.requests) == 1
        assert "another server" in caplog.text


def test_a_server_that_is_not_public_is_not_asked(caplog):
    with servers.serving(key_set(ONE)) as server:
        assert published.keys(server.url()) == ()
        assert server.requests == []
