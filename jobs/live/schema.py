"""What the OpenAPI document says about event streams."""

import json

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from base import openapi
from base.openapi import operation
from jobs import examples, requests
from jobs.schema import JOBS, UNKNOWN_JOB

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    type={"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    location=OpenApiParameter.HEADER,
    description="The `id` of the last event that the client has. An `EventSource` sends it by "
    "itself when it comes again.",
)
FORMAT = (
    "Each event is `event: job`, an `id` to go on from, and as `data`, on one line, exactly the body of "
    "`GET /videos/jobs/{job_id}/status`. It is sent when status, attempt, step, progress or place in the "
    "queue has changed, and says how the job stands now: steps in between may be left out, and an event may "
    "come twice. While nothing changes, a comment (`: ping`) comes every 15 seconds.\n\n"
    "In a page of this site an `EventSource` needs no more than the address; elsewhere read the answer as it "
    "comes, with `Authorization`. Where neither can be done, poll the status."
)
TIMING = (
    "begins at once; a change is sent within a fraction of a second. The server ends a stream within 5 "
    "minutes, or when it is stopped: come again, with `Last-Event-ID`."
)
INVALID_ID = openapi.invalid("last_event_id", "A valid integer is required.", "invalid")


def _events(*shown: tuple[int, dict[str, object]], begin: str = "") -> str:
    told = ((number, json.dumps(body, separators=(",", ":"))) for number, body in shown)
    events = "".join(f"event: job\nid: {line}\ndata: {data}\n\n" for line, data in told)
    return f"retry: 2000\n\n{begin}{events}"


def _stream(description: str, text: str) -> OpenApiResponse:
    example = OpenApiExample("Events", value=text, response_only=True)
    return OpenApiResponse(OpenApiTypes.STR, description=description, examples=[example])


job_events = operation(
    "streamJobEvents",
    path=f"{examples.JOB_PATH}/events",
    tag=JOBS,
    summary="One job, as it changes",
    description="Begins with how the job stands, and ends with the event that says how it ended. Asked again "
    f"with the `id` of that one, the answer is 204, at which an `EventSource` stops.\n\n{FORMAT}",
    timing=TIMING,
    parameters=[requests.EventsQuery, LAST_EVENT_ID],
    answers={
        (200, "text/event-stream"): _stream(
            "The events.", _events((4711, examples.PROCESSING), (4715, examples.COMPLETED))
        ),
        204: openapi.empty("The job has ended, and the client knows how."),
    },
    refusals=[INVALID_ID, UNKNOWN_JOB, examples.TOO_MANY_STREAMS],
)

all_events = operation(
    "streamEvents",
    path="/videos/jobs/events",
    tag=JOBS,
    summary="All jobs of the caller, as they change",
    description="Begins with how each unfinished job stands and, with `Last-Event-ID`, each that has ended "
    "since (at most 200, the newest). Jobs submitted later are in it, too. First of all comes an `id` alone, "
    "to go on from should nothing follow: an `EventSource` keeps it.\n\n" + FORMAT,
    timing=TIMING,
    parameters=[requests.EventsQuery, LAST_EVENT_ID],
    answers={
        (200, "text/event-stream"): _stream(
            "The events.",
            _events((4712, examples.PROCESSING), (4712, examples.QUEUED), begin="id: 4712\n\n"),
        )
    },
    refusals=[INVALID_ID, examples.TOO_MANY_STREAMS],
)
