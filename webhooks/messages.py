"""The bodies of messages, as they are sent and signed."""

import datetime
import json
from typing import Any

from jobs import answers
from jobs.states import Status
from webhooks.events import OF_STATUS, PING


def about_job(status: Status, at: datetime.datetime, job: Any) -> str:
    """Return what is told when a job came to `status`; it comes from `seen_now().with_queue_ahead()`."""
    return _body(OF_STATUS[status].value, at, answers.status(job))


def ping() -> str:
    """Return a test message."""
    data = {"message": "This is a test. Messages about jobs have a job's status here."}
    return _body(PING, datetime.datetime.now(datetime.UTC), data)


def _body(type_: str, at: datetime.datetime, data: dict[str, Any]) -> str:
    message = {"type": type_, "timestamp": answers.time(at), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
