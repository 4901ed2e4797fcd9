"""How early a wait may end, and how often."""

import asyncio
import time

from jobs import bell


def waits(*seconds, rung=True, least=0.0):
    """Return how long each of these waits lasted, with a bell that is rung all the time or never."""

    async def one():
        it, lasted = bell.Bell(), []
        ringing = asyncio.create_task(keep_ringing(it)) if rung else None
        for each in seconds:
            began = time.monotonic()
            await it.rest(each, least=least)
            lasted.append(time.monotonic() - began)
        if ringing:
            ringing.cancel()
        return lasted

    async def keep_ringing(it):
        while True:
            it.ring()
            await asyncio.sleep(0.01)

    return asyncio.run(one())


def test_a_wait_that_nobody_ends_takes_its_time():
    [lasted] = waits(0.3, rung=False)
    assert 0.3 <= lasted < 60


def test_each_wait_that_is_ended_early_takes_twice_as_long(monkeypatch):
    monkeypatch.setattr(bell, "FIRST_PAUSE", 0.2)
    first, second, third = waits(600.0, 600.0, 600.0)
    assert 0.2 <= first < 60
    assert 0.4 <= second < 60
    assert 0.8 <= third < 60


def test_a_wait_that_is_rung_takes_no_longer_than_it_would_have(monkeypatch):
    monkeypatch.setattr(bell, "FIRST_PAUSE", 600.0)
    [lasted] = waits(0.3)
    assert 0.3 <= lasted < 60


def test_who_was_told_to_stay_away_for_a_while_does(monkeypatch):
    monkeypatch.setattr(bell, "FIRST_PAUSE", 0.1)
    [lasted] = waits(600.0, least=0.5)
    assert 0.5 <= lasted < 60


def test_what_is_rung_before_the_wait_counts():
    async def one():
        it = bell.Bell()
        it.ring()
        began = time.monotonic()
        await it.rest(600.0)
        return time.monotonic() - began

    assert asyncio.run(one()) < 60
