"""One look for all who listen: where one can't be made, the others are."""

import asyncio

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.live.hub import Hub
from jobs.live.stream import EventStream
from tests.jobs.live.hearing import PATIENCE
from tests.jobs.making import order_for

pytestmark = pytest.mark.django_db(transaction=True)

CACHE_AWAY = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
}


def progress(job):
    try:
        lifecycle.progress(job, share=0.5, step="Drawing")
    finally:
        connection.close()


async def told_of(hub, watched, stuck, job):
    """What the stream of the watched job is told, until it is all that there is."""
    with hub.listening(stuck), hub.listening(watched):
        async with asyncio.timeout(PATIENCE):
            await watched.woken(PATIENCE)
            yield watched.head()
            await asyncio.to_thread(progress, job)
            await watched.woken(PATIENCE)
            yield watched.head()


def test_a_queued_job_that_cannot_be_looked_at_keeps_no_change_of_another_from_being_told(
    alice, bob, settings
):
    """How long a queued job will wait is remembered in the cache, which is away; a running one needs none."""
    queued = lifecycle.submit(order_for(bob))
    job = lifecycle.claim(lifecycle.submit(order_for(alice)).id, worker="w1")
    lifecycle.accept(job)
    settings.CACHES = CACHE_AWAY

    async def listen():
        watched = EventStream(alice.pk, job.id, updates=[])
        stuck = EventStream(bob.pk, queued.id, updates=[])
        told = [text.decode() async for text in told_of(Hub(), watched, stuck, job)]
        return told, stuck.head().decode()

    (first, second), of_queued = asyncio.run(listen())
    assert '"progress":0.0' in first
    assert '"progress":0.5' in second
    assert "event: job" not in of_queued, "it could be looked at: this test shows nothing"
