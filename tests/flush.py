"""How a test's tables are emptied while others may still read them.

A transactional test may end while a web process, or a thread of the test, is in the middle of a query.
PostgreSQL's TRUNCATE takes its tables one by one, and so does the query: each can come to wait for what the
other has.
"""

import re
import time

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

PATIENCE = 60.0  # seconds; what a test leaves behind reads for milliseconds


def with_all_or_none(execute, sql, params, many, context):
    """Before a TRUNCATE take all of its tables, and none while one is taken: never wait with a table in hand.

    A wrapper for `connection.execute_wrapper()`.
    """
    if sql.startswith('TRUNCATE "'):  # Django's; a test's own is left alone
        _take(context["connection"], re.findall(r'"[^"]+"', sql))
    return execute(sql, params, many, context)


def _take(connection, tables):
    """Take them until the end of the transaction. In vain for so long, leave it to the TRUNCATE to wait."""
    end = time.monotonic() + PATIENCE
    while not _lock(connection, f"{', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT"):
        if time.monotonic() > end:
            return
        for table in tables:  # to wait makes an autovacuum give way, which to try does not
            _lock(connection, f"{table} IN ACCESS EXCLUSIVE MODE", keep=False)


def _lock(connection, what, *, keep=True):
    """Tell whether it was free; without `keep`, let it go at once."""
    try:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {what}")
            transaction.set_rollback(not keep, connection.alias)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return False
    return True
