"""What clients are told about webhooks: plain functions from rows to JSON."""

import json
from typing import Any

from jobs.answers import time
from webhooks import sending
from webhooks.models import Attempt, Delivery, Endpoint, JobSecret, State


def webhook(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint; it comes with its receiver."""
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "description": endpoint.description,
        "is_enabled": endpoint.disabled_at is None,
        "disabled_at": time(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason or None,
        "failing_since": time(endpoint.receiver.failing_since),
        "previous_secret_until": time(endpoint.previous_until),
        "created_at": time(endpoint.created_at),
        "updated_at": time(endpoint.updated_at),
    }


def job_secret(row: JobSecret, secret: str) -> dict[str, Any]:
    """Return the answer to a rotation of the secret for jobs' URLs."""
    return {
        "success": True,
        "secret": secret,
        "rotated_at": time(row.rotated_at),
        "previous_secret_until": time(row.previous_until),
    }


def delivery(row: Delivery) -> dict[str, Any]:
    """Return a delivery with its attempts, which were read along; the newest of these come first."""
    attempts = sorted(row.attempts.all(), key=lambda attempt: attempt.id, reverse=True)
    return {
        "id": str(row.id),
        "webhook_id": sending.message_id(row.id),
        "type": row.type,
        "job_id": str(row.job_id) if row.job_id else None,
        "state": row.state,
        "next_attempt_at": time(row.next_at) if row.state == State.PENDING else None,
        "created_at": time(row.created_at),
        "ended_at": time(row.ended_at),
        "body": json.loads(row.body),
        "attempts": [_attempt(each) for each in attempts],
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "at": time(row.at),
        "url": row.url,
        "status": row.http_status,
        "duration_ms": row.duration_ms,
        "response": row.response,
        "error": row.error or None,
    }
