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
    assert 0.3 <= lasted < 5


def test_each_wait_that_is_ended_early_takes_twice_as_long_and_never_longer_than_it_would_have():
    first, second, third = waits(60.0, 60.0, 0.5)
    assert 1.0 <= first < 10
    assert 2.0 <= second < 15
    assert 0.5 <= third < 5


def test_who_was_told_to_stay_away_for_a_while_does():
    [lasted] = waits(60.0, least=1.5)
    assert 1.5 <= lasted < 15


def test_what_is_rung_before_the_wait_counts():
    async def one():
        it = bell.Bell()
        it.ring()
        began = time.monotonic()
        await it.rest(60.0)
        return time.monotonic() - began

    assert asyncio.run(one()) < 15
