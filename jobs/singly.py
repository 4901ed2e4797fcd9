"""Does one thing to many jobs, each on its own: what is wrong with one of them is not felt by the others."""

import functools
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, connection

from base.errors import DomainError
from base.outages import AWAY
from jobs.models import Job

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def each(jobs: Iterable[Job], verb: Callable[[Job], bool]) -> int:
    """Call `verb` with each job and return how many it changed. Raise what tells of an outage (`AWAY`)."""
    return sum(bool(alone(job.id, functools.partial(verb, job))) for job in jobs)


def alone(job_id: uuid.UUID, verb: Callable[[], Result]) -> Result | None:
    """Return what `verb` returns, None if this one job is in trouble. Raise what tells of an outage.

    Books that don't fit a job, or a row that the database refuses, are logged: they are for the audit.
    """
    try:
        return verb()
    except (DomainError, DatabaseError) as error:
        # One row that can't be had in time is that job's trouble alone; a lost connection is everybody's.
        if isinstance(error, AWAY) and not connection.is_usable():
            raise
        logger.exception("job %s could not be dealt with", job_id)
        return None
