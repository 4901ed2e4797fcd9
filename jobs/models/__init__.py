"""The tables of `jobs`."""

from jobs.models.event import JobEvent
from jobs.models.job import Job, JobQuerySet
from jobs.models.records import IdempotencyKey, PurgedJob, Tally, Unanswered
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
    "Unanswered",
    "Upstream",
    "Worker",
]
