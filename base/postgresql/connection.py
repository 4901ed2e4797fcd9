"""A connection that gives a silent server up.

A server that hangs, or is cut off behind a network that answers for it, sends nothing at all: neither its own
`statement_timeout` nor TCP's keepalive ends that wait. Only this side can.
"""

import select
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

LOOK_SECONDS = 0.1  # psycopg's own: how often a wait looks whether it was interrupted
AFTER_SECONDS = 2.0  # the server's own limit comes first: its answer leaves the connection usable
Result = TypeVar("Result")


class Connection(psycopg.Connection[Any]):
    """Waits `longest` seconds for one statement (None: for ever), then closes and raises OperationalError."""

    longest: ClassVar[float | None] = None

    def wait(
        self, gen: PQGen[Result], interval: float = LOOK_SECONDS, timeout: float | None = None
    ) -> Result:
        """Run a step of the protocol; one that brings its own `timeout` (waiting for NOTIFY) keeps it."""
        if timeout is not None or self.longest is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.longest + AFTER_SECONDS)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # in the middle of an answer: of no use to anybody any more
            raise

    def is_cut(self) -> bool:
        """Tell whether the server has closed it, as far as this machine knows: asked of nobody, in no time.

        Between statements a server says nothing; what there is to read is its farewell.
        """
        look = select.poll()
        look.register(self.fileno(), select.POLLIN)
        return bool(look.poll(0))


def limit_statements(seconds: float) -> None:
    """Let no statement of this process's later connections take longer, whether the server answers or not."""
    Connection.longest = seconds or None
