"""Example requests, answers, messages and refusals of the webhooks API, for the OpenAPI document."""

from base.openapi import Refusal, invalid
from jobs.examples import COMPLETED, JOB_ID
from webhooks import bodies
from webhooks.errors import StillPending, TooManyWebhooks, WebhookDisabled
from webhooks.events import EventType

WEBHOOK_ID = "019a20a1-4b7e-7c31-9d02-6e8f1a2b3c4d"
PATH = f"/webhooks/{WEBHOOK_ID}"
DELIVERY_ID = "019a20a2-0c5d-7e42-8a13-7f901b2c3d4e"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwQ3Vr0mW5xkE="  # noqa: S105 - nobody's

WEBHOOK = {
    "id": WEBHOOK_ID,
    "url": "https://hooks.example.com/videos",
    "event_types": ["job.completed", "job.failed"],
    "description": "Tells the app",
    "is_enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "previous_secret_until": None,
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
}
NEW = {name: WEBHOOK[name] for name in ("url", "event_types", "description")}
ONE = {"success": True, "webhook": WEBHOOK}
CREATED = {**ONE, "secret": SECRET}
ROTATED = {
    "success": True,
    "webhook": {
        **WEBHOOK,
        "previous_secret_until": "2026-02-02T09:00:00.000Z",
        "updated_at": "2026-02-01T09:00:00.000Z",
    },
    "secret": SECRET,
}
ALL = {"success": True, "webhooks": [WEBHOOK], "count": 1}
DELETED = {"success": True, "message": "The webhook was deleted."}
JOB_SECRET = {
    "success": True,
    "secret": SECRET,
    "rotated_at": "2026-01-31T12:00:00.000Z",
    "previous_secret_until": None,
}

MESSAGE = {"type": EventType.COMPLETED.value, "timestamp": "2026-01-31T12:00:14.500Z", "data": COMPLETED}
DELIVERY = {
    "id": DELIVERY_ID,
    "webhook_id": f"msg_{DELIVERY_ID.replace('-', '')}",
    "type": MESSAGE["type"],
    "job_id": JOB_ID,
    "state": "delivered",
    "next_attempt_at": None,
    "created_at": "2026-01-31T12:00:14.900Z",
    "ended_at": "2026-01-31T12:00:20.300Z",
    "body": MESSAGE,
    "attempts": [
        {
            "at": "2026-01-31T12:00:20.210Z",
            "url": WEBHOOK["url"],
            "status": 200,
            "duration_ms": 84,
            "response": "ok",
            "error": None,
        },
        {
            "at": "2026-01-31T12:00:15.020Z",
            "url": WEBHOOK["url"],
            "status": 503,
            "duration_ms": 51,
            "response": "restarting",
            "error": "Answered 503.",
        },
    ],
}
DELIVERIES = {
    "success": True,
    "deliveries": [DELIVERY],
    "pagination": {"total": 1, "limit": 20, "offset": 0, "has_more": False},
}
TO_BE_SENT = {
    "success": True,
    "delivery": {
        **DELIVERY,
        "state": "pending",
        "next_attempt_at": "2026-01-31T13:00:00.000Z",
        "ended_at": None,
    },
}
PING = {
    "success": True,
    "delivery": {
        **TO_BE_SENT["delivery"],  # type: ignore[dict-item]
        "type": "test.ping",
        "job_id": None,
        "body": {
            "type": "test.ping",
            "timestamp": "2026-01-31T13:00:00.000Z",
            "data": {"message": "This is a test. Messages about jobs have a job's status here."},
        },
        "attempts": [],
    },
}

INVALID_URL = invalid("url", "Port 8080 is not allowed, only 80 and 443.", "not_allowed")
UNKNOWN_FIELD = invalid("reason", "This field is not known here.", "unknown_field")
TOO_MANY = Refusal(
    status=409,
    code=TooManyWebhooks.code,
    when="As many webhooks as one user may have.",
    message=TooManyWebhooks().message,
    extra={"limit": 10},
    body=bodies.TooManyWebhooksProblem,
)
DISABLED = Refusal(
    status=409,
    code=WebhookDisabled.code,
    when="The webhook is disabled: nothing is sent to it.",
    message=WebhookDisabled().message,
)
PENDING = Refusal(
    status=409,
    code=StillPending.code,
    when="The delivery has not ended: it is tried again by itself.",
    message=StillPending().message,
)
