"""What the OpenAPI document says about this app's operations: one decorator for each view method."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest

from base import openapi
from base.openapi import PERMISSION_DENIED, WITH_A_BODY, answer, header, operation
from jobs import bodies, examples, requests
from jobs.providers.base import FailureCode

SUBMIT, JOBS, SERVICE = "Submit", "Jobs", "Service"
FAILURES = "\n".join(f"| `{code.value}` | {code.label} |" for code in FailureCode)
UNKNOWN_JOB = openapi.not_found("job")
INVALID_WAIT = openapi.invalid("wait", "Ensure this value is less than or equal to 60.", "max_value")

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    type={"type": "string", "minLength": 1, "maxLength": 255},
    location=OpenApiParameter.HEADER,
    description="Makes this request safe to repeat for 24 hours: the same key and body get the first answer "
    "again, with no second job and no second charge, also when both arrive at once. Use a new UUID for each "
    "video that the user asks for.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    location=OpenApiParameter.HEADER,
    description="The `ETag` of the last answer: 304 without a body if nothing has changed since.",
)
SUBMIT_HEADERS = [
    IDEMPOTENCY_KEY,
    header("Location", "Where to poll: `/videos/jobs/{job_id}/status`.", [202], format="uri-reference"),
    header(
        "Idempotent-Replayed",
        "`true` on an answer that is a repetition: no new job was made.",
        [202],
        always=False,
        const="true",
    ),
]
SUBMIT_REFUSALS = [
    examples.INSUFFICIENT_DUST,
    PERMISSION_DENIED,
    examples.ACCOUNT_FROZEN,
    examples.IDEMPOTENCY_IN_PROGRESS,
    *WITH_A_BODY,
    examples.IDEMPOTENCY_KEY_REUSED,
    examples.TOO_MANY_ACTIVE_JOBS,
]
SUBMITTED = {
    202: answer(bodies.SubmitAccepted, "The job is queued, and its DUST held.", a_job=examples.ACCEPTED)
}
ANY_JSON = (
    "JSON may be sent as `application/json` or as `text/plain`, which is what `fetch()` sends by default."
)
COST = (
    "{} unless the installation's price table says otherwise (`GET /videos/quote`, `GET /videos/models`). "
    "Held at once, so `balance` falls at once; with too little left the answer is 402 and there is no job. "
    "Charged when a worker starts the job, refunded if the job fails, released if it is cancelled while "
    "queued: each at most once."
)
TIMING = (
    "answers at once; the video is made afterwards, which can take minutes. `estimated_completion_seconds` "
    "comes from this installation's own history for that kind of job, and the queue now; `Location` is where "
    "to poll, and `Retry-After` when."
)


def _json(body: type, **shown: object) -> dict[str, OpenApiRequest]:
    values = [
        OpenApiExample(name.replace("_", " ").capitalize(), value=value, request_only=True)
        for name, value in shown.items()
    ]
    request = OpenApiRequest(body, examples=values)
    return {"application/json": request, "text/plain": request}


generate = operation(
    "generateVideo",
    path="/videos/generate",
    tag=SUBMIT,
    summary="Make a video from a text",
    description=f"Submits a text-to-video job. 202 says that it is queued. {ANY_JSON}",
    dust=COST.format(10),
    timing=TIMING,
    parameters=SUBMIT_HEADERS,
    request=_json(
        requests.Generate,
        only_a_prompt=examples.GENERATE_SHORTEST,
        every_field=examples.GENERATE_WHOLE,
        a_rehearsal=examples.REHEARSAL,
    ),
    answers=SUBMITTED,
    refusals=[examples.INVALID_PROMPT, *SUBMIT_REFUSALS],
    waits=[202, 409],
)

animate = operation(
    "animateImage",
    path="/videos/animate",
    tag=SUBMIT,
    summary="Make a video from a picture",
    description="Submits an image-to-video job: the picture sets the shape of the video, the prompt what "
    "happens in it. Send either JSON with `image_url`, or a `multipart/form-data` form with the file as "
    "`image` (JPEG, PNG, WebP or AVIF, at most 20 MB and 50 megapixels; EXIF turned upright). In a form, "
    "`camera_fixed`, `seed` and `metadata` are written as JSON. Whether a picture can be used is found out "
    "by the job: if not, it fails with `invalid_image` and the DUST comes back. 202 says that it is "
    f"queued. {ANY_JSON}",
    dust=COST.format(8),
    timing=TIMING,
    parameters=SUBMIT_HEADERS,
    request={
        **_json(requests.Animate, by_its_address=examples.ANIMATE),
        "multipart/form-data": OpenApiRequest(
            requests.AnimateUpload,
            encoding={"image": {"contentType": "image/jpeg, image/png, image/webp, image/avif"}},
        ),
    },
    answers=SUBMITTED,
    refusals=[examples.INVALID_IMAGE_URL, *SUBMIT_REFUSALS],
    waits=[202, 409],
)

status = operation(
    "getJobStatus",
    path=f"{examples.JOB_PATH}/status",
    tag=JOBS,
    summary="Where a job stands",
    description="Poll this until `status` is `completed`, `failed` or `cancelled`.\n\n"
    "| status | meaning | `dust` |\n|---|---|---|\n"
    "| `queued` | waiting; can be cancelled | `held` |\n"
    "| `starting` | a worker has it; may be cancelled with some models | `charged` |\n"
    "| `processing` | the video is being made; may be cancelled with some models | `charged` |\n"
    "| `completed` | fetch the result; `expires_at` says until when | `charged` |\n"
    "| `failed` | `error` says why, for the user; `error_code`, for your code | `refunded` |\n"
    "| `cancelled` | cancelled while queued, or at work | `released`, or `refunded` |\n\n"
    "While a running job is to be cancelled, `current_step` is `cancelling`.\n\n"
    "An expired job still says `completed`, with `expires_at` in the past. Send the `ETag` back as "
    "`If-None-Match` to get 304 while nothing has changed.\n\n"
    f"| `error_code` of a failed job | `error` |\n|---|---|\n{FAILURES}",
    timing="answers at once. Poll every 5 to 10 seconds, or as `Retry-After` says; or have the answer held "
    "with `wait`, until its `ETag` differs from the one sent (or from what it is now) or the time is up, and "
    "ask again at once. A job that has ended is never waited for.",
    parameters=[requests.StatusQuery, IF_NONE_MATCH, header("ETag", "A weak tag of this state.", [200, 304])],
    answers={
        200: answer(
            bodies.JobStatusAnswer,
            "Where the job stands.",
            queued=examples.QUEUED,
            processing=examples.PROCESSING,
            cancelling=examples.CANCELLING,
            completed=examples.COMPLETED,
            failed=examples.FAILED,
            cancelled=examples.CANCELLED_STATUS,
        ),
        304: openapi.empty("Nothing has changed since the answer with that `ETag`."),
    },
    refusals=[INVALID_WAIT, UNKNOWN_JOB, examples.TOO_MANY_STREAMS],
    waits=[200, 304],
)

result = operation(
    "getJobResult",
    path=f"{examples.JOB_PATH}/result",
    tag=JOBS,
    summary="The finished video",
    description="200 with the video once the job is `completed`, for 24 hours; 202 while it is not there "
    "yet. A failed or cancelled job answers 409, one whose 24 hours are over 410 `result_expired` (the video "
    "itself stays in the library), and one whose video was deleted 410 `video_deleted`.",
    timing="answers at once. The result is kept for 24 hours after completion.",
    answers={
        200: answer(
            bodies.JobResult, "The video. Its links are signed and expire.", the_video=examples.RESULT
        ),
        202: answer(bodies.JobUnfinished, "Not finished: ask again.", not_yet=examples.UNFINISHED),
    },
    refusals=[
        UNKNOWN_JOB,
        examples.JOB_FAILED,
        examples.JOB_CANCELLED,
        examples.RESULT_EXPIRED,
        examples.VIDEO_DELETED,
    ],
    waits=[202],
)

cancel = operation(
    "cancelJob",
    path=examples.JOB_PATH,
    tag=JOBS,
    summary="Cancel a job",
    description="A queued job is cancelled at once: 200, and the DUST held for it can be spent again. Asking "
    "again gives the same answer.\n\n"
    "A job that a worker has started answers 409 `job_not_cancellable`, unless this installation allows its "
    "users to cancel running jobs and the model's provider can stop: then 202 with the job's status, "
    "`current_step` is `cancelling`, and the provider is asked. Poll on: how the job ends is the provider's "
    "to say, and the DUST follows. If it confirms the cancel, or had not been asked for the video yet, the "
    "job ends `cancelled` and is refunded. If the video is made all the same, the job is `completed` and "
    "charged; if the work fails, it is `failed` and refunded. If nothing is confirmed in some minutes, the "
    "job goes on as if nobody had asked, and may be asked to cancel again.",
    dust="what was held is released; a charge is refunded once the job has ended `cancelled`.",
    answers={
        200: answer(bodies.JobCancelledAnswer, "Cancelled, now or before.", cancelled=examples.CANCELLED),
        202: answer(
            bodies.JobStatusAnswer,
            "Running: its provider is asked to stop. Asked again, the same answer.",
            cancelling=examples.CANCELLING,
        ),
    },
    refusals=[PERMISSION_DENIED, UNKNOWN_JOB, examples.NOT_CANCELLABLE],
    waits=[202],
)

active_jobs = operation(
    "listActiveJobs",
    path="/videos/jobs/active",
    tag=JOBS,
    summary="The caller's unfinished jobs",
    description="All queued, starting and processing jobs, oldest first, unpaged: there are at most as many "
    "as one user may have at once.",
    answers={200: answer(bodies.ActiveJobs, "The jobs, perhaps none.", one_job=examples.ACTIVE)},
)

list_jobs = operation(
    "listJobs",
    path="/videos/jobs",
    tag=JOBS,
    summary="The caller's jobs",
    description="Newest first, finished ones too, each as its status says it and with what was asked for.",
    parameters=[requests.JobsQuery],
    answers={200: answer(bodies.JobList, "One page.", one_job=examples.LISTED)},
    refusals=[openapi.INVALID_LIMIT],
)

stats = operation(
    "getStatistics",
    path="/videos/stats",
    tag=SERVICE,
    summary="How the installation is doing",
    description="Null stands where there is nothing to tell yet. "
    "`is_running` false means that jobs can be submitted but will wait.",
    timing="answers at once; the numbers are at most a few seconds old.",
    answers={200: answer(bodies.Statistics, "The numbers.", a_day=examples.STATISTICS)},
)

models = operation(
    "listModels",
    path="/videos/models",
    tag=SERVICE,
    summary="What can be asked for, and its price",
    description="The models of this installation, its default one first: what each can do, the DUST it "
    "costs, and how long it usually takes.",
    answers={200: answer(bodies.Model(many=True), "The models.", one_model=examples.MODEL)},
)

quote = operation(
    "quoteVideo",
    path="/videos/quote",
    tag=SERVICE,
    summary="What a submit would cost and take",
    description="The fields that set the price, with the defaults of a submit. The price of a later submit "
    "is the one in force then.",
    dust="free: nothing is held or charged.",
    parameters=[requests.QuoteQuery],
    answers={
        200: answer(bodies.Quote, "The price in DUST, the time in seconds.", a_short_one=examples.QUOTE)
    },
    refusals=[examples.INVALID_CHOICE],
)
