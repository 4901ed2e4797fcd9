"""The backend itself; Django finds it by the name of this module."""

import functools
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from base.postgresql.connection import Connection
from base.postgresql.errors import Errors


class DatabaseWrapper(base.DatabaseWrapper):
    """Opens our kind of connection, with or without a pool, and tells the server the same limit."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if Connection.longest is not None:
            limit = f"-c statement_timeout={round(Connection.longest * 1000)}"
            params["options"] = f"{params.get('options', '')} {limit}".strip()
        return params

    @functools.cached_property
    def wrap_database_errors(self) -> Errors:
        """Return what all work with the server is done in."""
        return Errors(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.pool:
            return self._pooled(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return Connection.connect(**conn_params)

    def _pooled(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        for _ in range(self.pool.max_size):  # after a restart of the server none in the pool is of use
            if not connection.is_cut():
                break
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection
