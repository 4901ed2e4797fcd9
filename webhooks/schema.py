"""What the OpenAPI document says about webhooks: our operations on them, and the messages they get."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiRequest,
    OpenApiResponse,
    OpenApiWebhook,
    extend_schema,
)

from base import openapi
from base.openapi import PERMISSION_DENIED, WITH_A_BODY, answer, header, operation
from webhooks import bodies, examples, requests
from webhooks.events import EventType

WEBHOOKS = "Webhooks"
UNKNOWN_WEBHOOK = openapi.not_found("webhook")
UNKNOWN_DELIVERY = openapi.not_found("delivery")
TYPES = "\n".join(f"| `{type_.value}` | {type_.label} |" for type_ in EventType)
WITH_ITS_SECRET = answer(
    bodies.WebhookWithSecret, "With its new secret, shown this once.", a_webhook=examples.ROTATED
)


def _json(body: type, **shown: object) -> dict[str, OpenApiRequest]:
    values = [
        OpenApiExample(name.replace("_", " ").capitalize(), value=value, request_only=True)
        for name, value in shown.items()
    ]
    request = OpenApiRequest(body, examples=values)
    return {"application/json": request, "text/plain": request}


NOTHING = _json(requests.Nothing, nothing={})

list_webhooks = operation(
    "listWebhooks",
    path="/webhooks",
    tag=WEBHOOKS,
    summary="The caller's webhooks",
    description="All of them, oldest first, unpaged: there are at most as many as one user may have.",
    answers={200: answer(bodies.WebhookList, "Perhaps none.", one=examples.ALL)},
)

create = operation(
    "createWebhook",
    path="/webhooks",
    tag=WEBHOOKS,
    summary="Have a URL told of the caller's jobs",
    description="Registers a URL. From then on it gets a signed POST, by the scheme of Standard Webhooks, "
    "for each thing of these types that happens to a job of the caller's:\n\n"
    f"| type | when |\n|---|---|\n{TYPES}\n\n"
    "The `secret` that verifies the signatures is in this answer and in no other.",
    parameters=[header("Location", "The webhook.", [201], format="uri-reference")],
    request=_json(requests.NewWebhook, a_webhook=examples.NEW),
    answers={201: answer(bodies.WebhookWithSecret, "It is registered.", a_webhook=examples.CREATED)},
    refusals=[examples.INVALID_URL, PERMISSION_DENIED, *WITH_A_BODY, examples.TOO_MANY],
)

get = operation(
    "getWebhook",
    path=examples.PATH,
    tag=WEBHOOKS,
    summary="One webhook",
    description="What was registered, and how its server does. The secret is not shown again.",
    answers={200: answer(bodies.WebhookAnswer, "The webhook.", a_webhook=examples.ONE)},
    refusals=[UNKNOWN_WEBHOOK],
)

change = operation(
    "changeWebhook",
    path=examples.PATH,
    tag=WEBHOOKS,
    summary="Change, disable or enable a webhook",
    description="What is given is changed. While a webhook is disabled it is told nothing, later neither: "
    "what was pending is given up, and can be replayed. A new `url` gets what is pending, too.",
    request=_json(requests.WebhookChange, other_types={"event_types": ["job.completed"]}),
    answers={200: answer(bodies.WebhookAnswer, "As it is now.", a_webhook=examples.ONE)},
    refusals=[examples.INVALID_URL, PERMISSION_DENIED, UNKNOWN_WEBHOOK, *WITH_A_BODY],
)

delete = operation(
    "deleteWebhook",
    path=examples.PATH,
    tag=WEBHOOKS,
    summary="Delete a webhook",
    description="Removes it with its deliveries. A message that is under way may still arrive.",
    answers={200: answer(bodies.WebhookDeleted, "It is gone.", deleted=examples.DELETED)},
    refusals=[PERMISSION_DENIED, UNKNOWN_WEBHOOK],
)

rotate = operation(
    "rotateWebhookSecret",
    path=f"{examples.PATH}/rotate",
    tag=WEBHOOKS,
    summary="Get a new secret",
    description="For 24 hours each message carries two signatures, by the new secret and by the one before: "
    "change the secret of your receiver in that time. Rotated again within it, the oldest is dropped.",
    request=NOTHING,
    answers={200: WITH_ITS_SECRET},
    refusals=[examples.UNKNOWN_FIELD, PERMISSION_DENIED, UNKNOWN_WEBHOOK, *WITH_A_BODY],
)

test = operation(
    "testWebhook",
    path=f"{examples.PATH}/test",
    tag=WEBHOOKS,
    summary="Send a test message",
    description="Sends a message of the type `test.ping`, whatever types were asked for, signed and tried "
    "again as any other. Look at the deliveries for what came of it.",
    timing="answers at once; the message is sent within a second or two.",
    request=NOTHING,
    answers={202: answer(bodies.DeliveryAnswer, "It will be sent.", a_test=examples.PING)},
    refusals=[
        examples.UNKNOWN_FIELD,
        PERMISSION_DENIED,
        UNKNOWN_WEBHOOK,
        *WITH_A_BODY,
        examples.DISABLED,
    ],
)

list_deliveries = operation(
    "listWebhookDeliveries",
    path=f"{examples.PATH}/deliveries",
    tag=WEBHOOKS,
    summary="What a webhook was told",
    description="Newest first, each with its body and all attempts: when, where to, and what came back. "
    "Those that ended are kept for 30 days.",
    parameters=[requests.DeliveriesQuery],
    answers={200: answer(bodies.DeliveryList, "One page.", one=examples.DELIVERIES)},
    refusals=[openapi.INVALID_LIMIT, UNKNOWN_WEBHOOK],
)

replay = operation(
    "replayWebhookDelivery",
    path=f"{examples.PATH}/deliveries/{examples.DELIVERY_ID}/replay",
    tag=WEBHOOKS,
    summary="Send a message again",
    description="Sends an ended delivery once more, delivered or given up: with the same `webhook-id` and "
    "the same body, and with all the tries of a new one.",
    timing="answers at once; the message is sent within a second or two.",
    request=NOTHING,
    answers={202: answer(bodies.DeliveryAnswer, "It will be sent.", a_delivery=examples.TO_BE_SENT)},
    refusals=[
        examples.UNKNOWN_FIELD,
        PERMISSION_DENIED,
        UNKNOWN_DELIVERY,
        *WITH_A_BODY,
        examples.DISABLED,
        examples.PENDING,
    ],
)

job_secret = operation(
    "rotateJobWebhookSecret",
    path="/webhooks/job-secret",
    tag=WEBHOOKS,
    summary="Get a new secret for the webhook_url of jobs",
    description="Messages to the `webhook_url` of a submit are signed with one secret of the caller's, the "
    "same for all jobs. Call this once before you use such URLs: the secret is in this answer and in no "
    "other. Called again, it makes a new one; for 24 hours the one before signs, too.",
    request=NOTHING,
    answers={200: answer(bodies.JobSecretAnswer, "The new secret.", the_first=examples.JOB_SECRET)},
    refusals=[examples.UNKNOWN_FIELD, PERMISSION_DENIED, *WITH_A_BODY],
)

SIGNED = [
    {"name": name, "in": "header", "required": True, "description": what, "schema": {"type": "string"}}
    for name, what in (
        ("webhook-id", "The message's id, the same each time it is sent: drop what you have had."),
        ("webhook-timestamp", "When this try was made, in Unix seconds: refuse what is minutes old."),
        ("webhook-signature", "`v1,` and a signature; two of them, parted by a space, after a rotation."),
    )
]


def _message(type_: EventType) -> OpenApiWebhook:
    return OpenApiWebhook(
        name=type_.value,
        decorator=extend_schema(
            operation_id=f"receive{type_.name.capitalize()}Job",
            tags=[WEBHOOKS],
            summary=f"{type_.label[0].upper()}{type_.label[1:]}",
            description="Verify the signature with a library of Standard Webhooks, then answer with 2xx "
            "within 15 seconds. Anything else is tried again for about three days. Redirects are "
            "not followed.",
            request={"application/json": OpenApiRequest(bodies.JobMessage)},
            responses={
                "2XX": OpenApiResponse(description="Taken."),
                410: OpenApiResponse(description="Not wanted any more: the webhook is disabled."),
            },
        ),
    )


queued = _message(EventType.QUEUED)
started = _message(EventType.STARTED)
completed = _message(EventType.COMPLETED)
failed = _message(EventType.FAILED)
cancelled = _message(EventType.CANCELLED)


def name_headers(result: Any, **_: Any) -> Any:
    """Add to each message of the document the headers it comes with: drf-spectacular leaves them out."""
    for message in result["webhooks"].values():
        message["post"] |= {"parameters": SIGNED, "security": []}  # the signature says who sends it
    return result
