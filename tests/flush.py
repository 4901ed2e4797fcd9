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
LOOK = 0.01


def with_all_or_none(execute, sql, params, many, context):
    """Before a TRUNCATE take all of its tables, and none while one is taken: never wait with a table in hand.

    A wrapper for `connection.execute_wrapper()`.
    """
    if sql.startswith('TRUNCATE "'):  # Django's; a test's own may be what it will
        _take(context["connection"], re.findall(r'"[^"]+"', sql))
    return execute(sql, params, many, context)


def _take(connection, tables):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic(connection.alias), connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT")
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or time.monotonic() > end:
                raise
            time.sleep(LOOK)
        else:
            return
