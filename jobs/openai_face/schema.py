"""What the OpenAPI document says about `/v1/videos`."""

import functools
from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from base import openapi
from base.openapi import PERMISSION_DENIED, WITH_A_BODY, Refusal, answer, header
from jobs import examples as jobs_examples
from jobs import schema as jobs_schema
from jobs.openai_face import bodies, examples, problems, requests
from videos import examples as files
from videos.schema import FILE_ANSWERS, FILE_PARAMETERS

TAG = "OpenAI's shape"
AGAIN = header(
    "openai-poll-after-ms",
    "When to ask again, in milliseconds: what the clients' `create_and_poll` goes by.",
    [200],
    always=False,
    type="integer",
)
RETRIED = OpenApiParameter(
    "X-Stainless-Retry-Count",
    location=OpenApiParameter.HEADER,
    description="The official clients number their tries with it. A try after the first, without a key, gets "
    "the job of an equal create whose answer may have been lost, instead of a second one.",
)
FINAL = header("x-should-retry", "`false` where the clients need not try again.", [409, 429], always=False)


def refused(path: str, refusals: Iterable[Refusal]) -> dict[Any, OpenApiResponse]:
    """Return the answers for these errors, in this API's shape."""
    by_status: dict[int, list[Refusal]] = {}
    for refusal in refusals:
        by_status.setdefault(problems.shown(refusal.status), []).append(refusal)
    found: dict[Any, OpenApiResponse] = {
        status: _together(group) for status, group in sorted(by_status.items())
    }
    return {**found, "default": _together([openapi.METHOD_NOT_ALLOWED, openapi.INTERNAL_ERROR])}


def _together(refusals: list[Refusal]) -> OpenApiResponse:
    shown = [(refusal, _example(refusal)) for refusal in refusals]
    described = [f"`{body['error']['code']}`: {refusal.when}" for refusal, body in shown]
    values = [
        OpenApiExample(refusal.code, value=body, summary=refusal.when, response_only=True)
        for refusal, body in shown
    ]
    return OpenApiResponse(bodies.OpenAIError, description="\n\n".join(described), examples=values)


def _example(refusal: Refusal) -> dict[str, Any]:
    return problems.body(
        status=refusal.status, code=refusal.code, message=refusal.message, extra=refusal.extra
    )


operation = functools.partial(openapi.operation, tag=TAG, refused=refused)


def _json(**shown: object) -> dict[str, OpenApiRequest]:
    values = [
        OpenApiExample(name.replace("_", " ").capitalize(), value=value, request_only=True)
        for name, value in shown.items()
    ]
    request = OpenApiRequest(requests.OpenAIVideoCreate, examples=values)
    return {"application/json": request, "text/plain": request}


create = operation(
    "createOpenaiVideo",
    path=examples.PATH,
    summary="Make a video",
    description="Submits a job as `POST /videos/generate` does or, with an `input_reference`, as "
    "`POST /videos/animate`. Send JSON, or a `multipart/form-data` form with the picture as a file. What "
    "can't be made as it is asked for is refused, with what can: lengths are 5, 10 and 15 seconds, since a "
    "video of another length than was asked for would be a wrong one.",
    dust=jobs_schema.COST.format("10, 8 with a picture,"),
    timing="answers at once; the video is made afterwards, which can take minutes.",
    parameters=[
        jobs_schema.IDEMPOTENCY_KEY,
        RETRIED,
        AGAIN,
        FINAL,
        header(
            "Idempotent-Replayed",
            "`true` on an answer that is a repetition: no new job was made.",
            [200],
            always=False,
            const="true",
        ),
    ],
    request={
        **_json(
            only_a_prompt=examples.SHORTEST,
            every_field=examples.WHOLE,
            with_a_picture=examples.WITH_A_PICTURE,
        ),
        "multipart/form-data": OpenApiRequest(
            requests.OpenAIVideoForm,
            encoding={requests.PICTURE: {"contentType": "image/jpeg, image/png, image/webp, image/avif"}},
        ),
    },
    answers={200: answer(bodies.OpenAIVideo, "The video is queued.", queued=examples.QUEUED)},
    refusals=[
        examples.INVALID_SECONDS,
        jobs_examples.INSUFFICIENT_DUST,
        PERMISSION_DENIED,
        jobs_examples.ACCOUNT_FROZEN,
        jobs_examples.IDEMPOTENCY_IN_PROGRESS,
        *WITH_A_BODY,
        jobs_examples.IDEMPOTENCY_KEY_REUSED,
        jobs_examples.TOO_MANY_ACTIVE_JOBS,
    ],
    waits=[200, 409],
)

list_videos = operation(
    "listOpenaiVideos",
    path=examples.PATH,
    summary="The caller's videos",
    description="All jobs of the caller, whichever endpoint made them, but those whose video was deleted. "
    "Newest first, or oldest first with `order=asc`; `after` is the `last_id` of the page before.",
    parameters=[requests.ListQuery],
    answers={200: answer(bodies.OpenAIVideoList, "One page.", one_of_more=examples.LIST)},
    refusals=[openapi.INVALID_LIMIT],
)

retrieve = operation(
    "getOpenaiVideo",
    path=examples.VIDEO_PATH,
    summary="Where a video stands",
    description="`queued`, `in_progress`, `completed` or `failed`. A job that was cancelled is `failed` "
    "here, with the code `cancelled`: this API has no word for it.",
    timing="answers at once. Ask every 5 to 10 seconds, or as `Retry-After` says.",
    parameters=[AGAIN],
    answers={
        200: answer(
            bodies.OpenAIVideo,
            "Where it stands.",
            queued=examples.QUEUED,
            in_progress=examples.IN_PROGRESS,
            completed=examples.COMPLETED,
            failed=examples.FAILED,
        )
    },
    refusals=[examples.NOT_FOUND],
    waits=[200],
)


content = operation(
    "downloadOpenaiVideo",
    path=f"{examples.VIDEO_PATH}/content",
    summary="The video itself, or its thumbnail",
    description="An MP4, or with `variant=thumbnail` a JPEG, until `expires_at`. One `Range` is answered "
    "with 206. No spritesheets are made: that variant is a 404.",
    timing="bytes start at once.",
    parameters=[
        requests.ContentQuery,
        *FILE_PARAMETERS,
    ],
    answers=FILE_ANSWERS,
    refusals=[
        examples.INVALID_VARIANT,
        examples.NOT_FOUND,
        examples.NOT_READY,
        examples.NOT_MADE,
        examples.EXPIRED,
        examples.NO_SUCH_VARIANT,
        files.PRECONDITION_FAILED,
        files.RANGE_NOT_SATISFIABLE,
    ],
    waits=[404],
)

delete = operation(
    "deleteOpenaiVideo",
    path=examples.VIDEO_PATH,
    summary="Delete a video",
    description="A queued one is cancelled, a completed one is deleted from its user's library with its "
    "files; either, or a failed one, is then gone from this API (the job stays in `GET /videos/jobs`). One "
    "that is being made answers 409 and is not touched, unless its provider can stop and users may ask for "
    "that: then it is asked to, and the 409 means that it can be deleted when it has ended.",
    dust="what was held for a queued one is released; what a completed one cost is not given back.",
    request=None,
    parameters=[FINAL],
    answers={200: answer(bodies.OpenAIVideoDeleted, "It is gone.", deleted=examples.DELETED)},
    refusals=[PERMISSION_DENIED, examples.NOT_FOUND, examples.IN_THE_MAKING, examples.STOPPING],
    waits=[409],
)
