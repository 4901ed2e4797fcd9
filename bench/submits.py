"""Submits: the product's against the same transaction written by hand."""

import itertools
from typing import Any

from django.db import connection

from base.ids import uuid7
from bench import examples, noise
from bench.byhand import Submitter
from bench.calls import Application
from bench.fill import Filled

BODY: dict[str, Any] = {
    "prompt": examples.PROMPT,
    "model": "rehearsal",
    "duration": "short",
    "resolution": "hd_1080p",
    "aspect_ratio": "16:9",
    "metadata": {"scene": 12, "client": "bench"},
}


def against_hand(ours: Application, filled: Filled, *, times: int, rounds: int) -> noise.Times:
    """Submit with fresh keys, the callers in turn; `commit` is the least that reaches the disk."""
    byhand = Submitter(examples.queued(filled.staff))
    turn = itertools.count()

    def place() -> int:
        return next(turn) % len(filled.purses)

    def submit_ours(_: int) -> None:
        ours.submit(BODY, token=filled.tokens[place()], key=str(uuid7()))

    def submit_by_hand(_: int) -> None:
        byhand.submit(filled.purses[place()])

    def commit(_: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_chore SET done_at = done_at WHERE name = 'bench'")

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO jobs_chore (name, done_at) VALUES ('bench', CURRENT_TIMESTAMP)")
    contenders = {"by hand": submit_by_hand, "ours": submit_ours, "control": lambda n: submit_by_hand(n)}
    return noise.side_by_side({**contenders, "commit": commit}, times=times, rounds=rounds)
