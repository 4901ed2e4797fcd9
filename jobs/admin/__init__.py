"""Support's pages about jobs and workers."""

from jobs.admin.jobs import JobAdmin
from jobs.admin.messages import MessageAdmin
from jobs.admin.remote import RemoteTaskAdmin, UpstreamAdmin
from jobs.admin.workers import WorkerAdmin

__all__ = ["JobAdmin", "MessageAdmin", "RemoteTaskAdmin", "UpstreamAdmin", "WorkerAdmin"]
