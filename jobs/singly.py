"""Does one thing to many jobs, each on its own: what is wrong with one of them is not felt by the others."""

import logging
from collections.abc import Callable, Iterable

from django.db import DatabaseError, connection

from base.errors import DomainError
from base.outages import AWAY
from jobs.models import Job

logger = logging.getLogger(__name__)


def each(jobs: Iterable[Job], verb: Callable[[Job], bool]) -> int:
    """Call `verb` with each job and return how many it changed. Raise what tells of an outage (`AWAY`).

    Books that don't fit a job, or a row that the database refuses, are logged: they are for the audit.
    """
    return sum(_done(verb, job) for job in jobs)


def _done(verb: Callable[[Job], bool], job: Job) -> bool:
    try:
        return verb(job)
    except (DomainError, DatabaseError) as error:
        # One row that can't be had in time is that job's trouble alone; a lost connection is everybody's.
        if isinstance(error, AWAY) and not connection.is_usable():
            raise
        logger.exception("job %s could not be dealt with", job.id)
        return False
