"""One meaning for "transaction": join the caller's, else open one and run it again when beaten to it."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from dust.errors import ConcurrentDuplicate

P = ParamSpec("P")
R = TypeVar("R")
TRIES = 5


def whole(function: Callable[P, R]) -> Callable[P, R]:
    """Make `function` one whole transaction.

    Inside a caller's transaction it takes part in that, without a savepoint, and ConcurrentDuplicate is the
    caller's to answer (by running everything again; decorating the caller with this does). Outside it is
    run again up to `TRIES` times, so it may have no effect but on the database.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return function(*args, **kwargs)
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except ConcurrentDuplicate:
                continue  # the other one has committed: the next run finds its work
        with transaction.atomic():
            return function(*args, **kwargs)

    return run
