"""What receivers can be told of."""

from django.db import models

from jobs.states import Status


class EventType(models.TextChoices):
    """The types of messages that an endpoint can ask for."""

    QUEUED = "job.queued", "a job was submitted"
    STARTED = "job.started", "a worker has taken it, for the first time"
    COMPLETED = "job.completed", "its video is made"
    FAILED = "job.failed", "it ended without a video, and its DUST is back"
    CANCELLED = "job.cancelled", "it was cancelled"


PING = "test.ping"  # from the test button; nobody asks for it
OF_STATUS = {
    Status.QUEUED: EventType.QUEUED,
    Status.STARTING: EventType.STARTED,
    Status.COMPLETED: EventType.COMPLETED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}
