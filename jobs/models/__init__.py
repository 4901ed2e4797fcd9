"""The tables of `jobs`."""

from jobs.models.job import Job, JobEvent, JobQuerySet
from jobs.models.records import IdempotencyKey, PurgedJob, Tally
from jobs.models.remote import RemoteState, RemoteTask, Upstream
from jobs.models.work import Chore, Message, Worker

__all__ = [
    "Chore",
    "IdempotencyKey",
    "Job",
    "JobEvent",
    "JobQuerySet",
    "Message",
    "PurgedJob",
    "RemoteState",
    "RemoteTask",
    "Tally",
    "Upstream",
    "Worker",
]
