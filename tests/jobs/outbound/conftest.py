"""Fixtures for fetching: where the file goes, and a way to the servers on this machine."""

import threading

import pytest


@pytest.fixture
def target(tmp_path):
    return tmp_path / "fetched"


@pytest.fixture
def allow(settings):
    """Let these servers be reached although they are on this machine."""

    def allow(*running, host="127.0.0.1"):
        settings.OUTBOUND_ALLOWED_HOSTS = [f"{host}:{server.port}" for server in running]

    return allow


@pytest.fixture
def mute():
    """A resolver whose name server says nothing until the test is over."""
    is_over, asking = threading.Event(), []

    def resolver(host, port):
        asking.append(threading.current_thread())
        is_over.wait(60)
        return []

    yield resolver
    is_over.set()
    for thread in asking:
        thread.join(10)
