"""A submit's transaction, written by hand against the driver: no framework, no checks, one commit.

It writes what the product writes: the key with its receipt, the job, the balance, the transfer, the timeline,
the queue message. psycopg prepares the statements; on SQLite Django's thin cursor stands in for it.
"""

import datetime
import json
import os
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models import AutoField, Model

from base.ids import uuid7
from bench import examples
from bench.copies import Purse, as_time, as_uuid
from bench.examples import Example

BALANCE = """
UPDATE dust_account SET held = held + %(cost)s, seq = seq + 1
 WHERE id = %(account_id)s AND NOT frozen AND posted - held >= %(cost)s
RETURNING seq, posted, held
"""
KEY = """
INSERT INTO jobs_idempotencykey (user_id, key, fingerprint, receipt, created_at)
VALUES (%(user_id)s, %(key)s, %(fingerprint)s, %(receipt)s, %(now)s)
"""
NOTIFY = "SELECT pg_notify('jobs_render', '')"


class Insert:
    """A row of an example as a statement, and the values that stay the same."""

    def __init__(self, row: Model) -> None:
        meta = row._meta  # noqa: SLF001
        self.values = examples.column_values(row, connection)
        if isinstance(meta.pk, AutoField):
            del self.values[meta.pk.column]
        names, marks = ", ".join(self.values), ", ".join(f"%({name})s" for name in self.values)
        self.text = f"INSERT INTO {meta.db_table} ({names}) VALUES ({marks})"


class Submitter:
    """Submits again and again what `example` asks for, on one connection."""

    def __init__(self, example: Example) -> None:
        if example.message is None:
            raise ValueError("The example must be a queued job.")
        self._job, self._transfer = Insert(example.job), Insert(example.transfers[0])
        self._event, self._message = Insert(example.events[0]), Insert(example.message)
        self._is_postgresql = connection.vendor == "postgresql"
        if self._is_postgresql:
            driver = psycopg.connect(os.environ["DATABASE_URL"], prepare_threshold=1, autocommit=True)
            self._cursor, self._begin = driver.cursor, driver.transaction
        else:
            self._cursor, self._begin = connection.cursor, transaction.atomic

    def submit(self, purse: Purse) -> None:
        """Write one job and all that goes with it, and commit."""
        job_id, user_id = uuid7(), as_uuid(purse.user_id)
        now = as_time(datetime.datetime.now(datetime.UTC))
        about = {"job_id": as_uuid(job_id)}
        with self._begin(), self._cursor() as cursor:
            cursor.execute(BALANCE, {"cost": examples.COST, "account_id": purse.account_id})
            seq, posted, held = cursor.fetchone()
            receipt = json.dumps({"job_id": str(job_id), "cost": examples.COST, "balance": posted - held})
            key = {"key": str(uuid7()), "fingerprint": "0" * 64, "receipt": receipt}
            cursor.execute(KEY, {**key, "user_id": user_id, "now": now})
            self._insert(cursor, self._job, id=as_uuid(job_id), user_id=user_id, created_at=now)
            after = {"seq": seq, "posted_after": posted, "held_after": held}
            whose = {"id": as_uuid(uuid7()), "account_id": purse.account_id, "key": f"job:{job_id}:1:hold"}
            self._insert(cursor, self._transfer, **about, **after, **whose, created_at=now)
            self._insert(cursor, self._event, **about, at=now)
            self._insert(cursor, self._message, **about, due_at=now)
            if self._is_postgresql:
                cursor.execute(NOTIFY)

    def _insert(self, cursor: Any, row: Insert, **changes: Any) -> None:
        cursor.execute(row.text, {**row.values, **changes})
