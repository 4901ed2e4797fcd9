"""What the server's errors are to the program."""

from types import TracebackType
from typing import Any

from django.db import OperationalError
from django.db.utils import DatabaseErrorWrapper
from psycopg.errors import ReadOnlySqlTransaction


class Errors(DatabaseErrorWrapper):
    """Django's translation, but a server that only reads is an outage.

    That is what a standby says, or a primary that has just become one: the connection is cut, since the next
    one may lead to the server that took over.
    """

    def __init__(self, wrapper: Any) -> None:
        super().__init__(wrapper)
        self._wrapper = wrapper

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(exc_value, ReadOnlySqlTransaction):
            super().__exit__(exc_type, exc_value, traceback)
            return
        self._wrapper.errors_occurred = True
        if self._wrapper.connection is not None:
            self._wrapper.connection.close()  # the driver's: Django and a pool see it when they look next
        raise OperationalError(*exc_value.args).with_traceback(traceback) from exc_value
