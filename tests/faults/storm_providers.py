"""The providers of a storm: stand-ins in its own process, out of reach of the kills.

They misbehave as the prompts' words ask, and answer after pauses that the seed chooses. Two protocols: one
where a submit whose reply was lost can't be looked up, and one where it can.
"""

import asyncio
import contextlib
import itertools
import random
from typing import Any

from tests.faults.provider_journal import Sold, Taken
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Asked, Hold, Server
from tests.remote.stand_ins.works import Work

BY_NAME = {case.name: case for case in CASES}
BLIND, SEEING = BY_NAME["openai"], BY_NAME["replicate"]
TAKES = {BLIND.name: 1.5, SEEING.name: 3.0}  # seconds for one work
# seconds before and after a request is read, at most: a kill is to come in between now and then
SLOWEST_SUBMIT, SLOWEST_ANSWER = 0.4, 0.1
UNANSWERED = {"lost", "broken"}  # words of submits that are taken and not answered
REMOTE = {
    "poll_seconds": 0.25,
    "per_second": 20,
    "in_flight": 6,
    "unknown_seconds": 6,
}
AGES_SECONDS = 8  # until what never ends is given up


class Pauses(Hold):
    """Holds every request up for a moment, before and after it is read."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(lambda asked: True, before=True)
        self._chance = chance

    async def stop(self, asked: Asked, *, before: bool) -> None:
        is_submit = asked.method == "POST" and not asked.path.endswith("/cancel")
        await asyncio.sleep(self._chance.uniform(0, SLOWEST_SUBMIT if is_submit else SLOWEST_ANSWER))


class Providers:
    """Two providers, from the start of the block to its end. One can be frozen."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._servers: dict[str, Any] = {}
        self._frozen: Hold | None = None
        self._is_unread = itertools.cycle((False, True))
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Providers":
        with contextlib.ExitStack() as stack:
            for case in (BLIND, SEEING):
                server: Server = stack.enter_context(case.stand_in(takes=TAKES[case.name]))
                server.holds.append(Pauses(random.Random(f"{self._seed} {case.name}")))
                self._servers[case.name] = server
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    # --- for the settings ----------------------------------------------------------------------------

    def models(self) -> dict[str, dict[str, Any]]:
        """Return the entries of the models `blind` (falls back to the other), `seeing`, and `hasty`, which
        gives its provider little time.
        """
        hasty = {"timeout_seconds": AGES_SECONDS, "options": {"cancel": True}}
        return {
            "blind": self._entry(BLIND, fallback=["seeing"]),
            "seeing": self._entry(SEEING),
            "hasty": {**self._entry(BLIND, account="hasty"), **hasty},
        }

    def keys(self) -> dict[str, str]:
        """Return the variables with their secrets."""
        return {_key(name): server.key for name, server in self._servers.items()}

    def _entry(self, case: Any, **more: Any) -> dict[str, Any]:
        entry: dict[str, Any] = case.entry(self._servers[case.name])
        return {**entry, "remote": {**entry["remote"], **REMOTE, "key": _key(case.name), **more}}

    # --- for the chaos -------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Have the one hang whose works can't be looked up.

        The other goes on: that it could not be asked would excuse whatever was not found there.
        """
        self._frozen = self._servers[BLIND.name].hold(lambda asked: True, before=next(self._is_unread))

    def thaw(self) -> None:
        """Close the connections that hung, and go on; what they asked was done, or not even read, in turn."""
        if self._frozen:
            self._frozen.drop()

    # --- for the verdict -----------------------------------------------------------------------------

    def taken(self) -> list[Taken]:
        """Return everything that was taken."""
        return [
            Taken(name, work.id, work.prompt, work.stage, is_findable=name == SEEING.name)
            for name, work in self._works()
        ]

    def sold(self) -> Sold:
        """Return the sums."""
        works = self._works()
        return Sold(len(works), sum(bool(work.words & UNANSWERED) for _, work in works))

    def _works(self) -> list[tuple[str, Work]]:
        return [
            (name, work) for name, server in self._servers.items() for work in list(server.works.values())
        ]


def _key(name: str) -> str:
    return f"KEY_OF_{BY_NAME[name].label}"
