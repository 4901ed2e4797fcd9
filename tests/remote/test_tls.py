"""A TLS connection that breaks in the middle, and a key that can't be read: no fault of our storage."""

import asyncio
import os
import ssl

import pytest
from django.db.models.functions import Now

from jobs import catalogue, lifecycle, upstreams, wire
from jobs.models import Job, RemoteState, Upstream
from jobs.providers.base import FailureCode
from jobs.providers.remote import Request
from tests.jobs import servers
from tests.remote.cases import CASES
from tests.remote.watching import PATIENCE, eventually, states

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]

RECORD = b"\x17\x03\x03\x00\x40"  # the head of one with 64 bytes of data


def broken(after=b""):
    """An answer that goes on as no TLS does."""

    def answer(connection, request, server):
        connection.sendall(after)
        os.write(connection.fileno(), RECORD + os.urandom(64))
        server.stopping.wait(0.5)

    return answer


@pytest.fixture
def breaking(tmp_path, monkeypatch):
    """Return what serves such an answer at an address that is trusted."""
    shown = servers.certificate(tmp_path, "127.0.0.1")
    paths = ssl.get_default_verify_paths()._replace(openssl_cafile=str(shown.path), openssl_capath="")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    return lambda after=b"": servers.serving(broken(after), tls=shown.context)


def asked_of(server, verb):
    """Do something with a wire and a request to the server."""

    async def ask():
        async with wire.Wire(connections=1) as line:
            await verb(line, Request(method="GET", url=f"https://127.0.0.1:{server.port}/"))

    asyncio.run(ask())


@pytest.mark.parametrize("after", [b"", servers.ok(bytes(9))[:-5]], ids=["before the head", "in the body"])
def test_a_broken_answer_is_none(after, case, breaking, tmp_path):
    with breaking(after) as server:
        with pytest.raises(wire.NoReply, match="SSL"):
            asked_of(server, lambda line, request: line.ask(request, timeout=10))
        save = {"max_bytes": 100, "timeout": 10}
        with pytest.raises(wire.NoReply, match="SSL"):
            asked_of(server, lambda line, request: line.save(request, tmp_path / "file", **save))


def test_a_submit_that_is_answered_so_may_have_been_taken(far, breaking, finish, submit, stand_in):
    with breaking() as server:
        far(base_url=f"https://127.0.0.1:{server.port}/v1", unknown_seconds=1.0)
        job = finish(submit())
        assert server.requests
    assert (job.failure_code, states(job)) == (FailureCode.PROVIDER_TIMEOUT, [RemoteState.UNKNOWN])
    assert Upstream.objects.filter(failures__gt=0).exists()  # the next one is not to run into it


@pytest.fixture
def key(far, stand_in, monkeypatch, tmp_path):
    """The file that the key is read from; it is there when the catalogue is made."""
    file = tmp_path / "key"
    file.write_text(stand_in.key)
    monkeypatch.setenv("FAR_KEY_FILE", str(file))
    far()
    assert catalogue.get("far")
    return file


def test_a_job_waits_until_the_key_of_its_provider_can_be_read(key, drive, submit, stand_in):
    key.unlink()
    job = submit()
    drive()
    waiting = Job.objects.filter(id=job.id, status="starting", current_step=upstreams.DOWN)
    eventually(lambda: waiting.filter(events__verb="release").exists())
    assert "The key of far can't be read" in Upstream.objects.get().said
    key.write_text(stand_in.key)
    Upstream.objects.update(closed_until=None)  # the pause, that a person would sit out
    eventually(lambda: Job.objects.filter(id=job.id, status="completed").exists())


def test_a_job_at_its_provider_waits_for_the_key_too(key, drive, finish, submit, stand_in):
    stand_in.takes = 3600.0
    job = submit()
    first = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    first.abandon()
    assert first.stop(seconds=PATIENCE)
    key.unlink()
    assert lifecycle.reap(Job.objects.get(id=job.id), is_dead=True)
    drive()
    waiting = Job.objects.filter(id=job.id, current_step=upstreams.DOWN)
    eventually(lambda: waiting.filter(events__verb="release").exists())
    key.write_text(stand_in.key)
    stand_in.end_works()
    Job.objects.update(woken_at=Now())
    assert finish(job).status == "completed"
    assert stand_in.submits_of(job.prompt) == 1
