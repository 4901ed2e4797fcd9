"""The shapes of this app's answers, for the OpenAPI document; `jobs.answers` makes the answers themselves."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from base.openapi import Problem, Succeeded
from base.pages import PaginationSerializer
from jobs import states
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.providers.base import FailureCode
from jobs.states import Dust, Status
from videos.serializers import VideoSerializer

ACTIVE = [(status.value, status.label) for status in states.ACTIVE]
FREE_FORM = {"type": "object", "additionalProperties": True}
PRICES = {
    "type": "object",
    "description": "DUST by generation type, then resolution, then duration.",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0},
        },
    },
}


@extend_schema_field(FREE_FORM)
class FreeForm(serializers.JSONField):
    """A JSON object of the caller's, given back as it came."""


@extend_schema_field(PRICES)
class Prices(serializers.JSONField):
    """The price table of a model."""


class Body(serializers.Serializer[Any]):
    """What each single answer begins with."""

    success = Succeeded()


class SubmitAccepted(Body):
    """A job was made, or an equal one had been made before."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices, help_text="Always `queued`.")
    estimated_completion_seconds = serializers.IntegerField(
        min_value=1, help_text="Until the video is done: the queue ahead and the work itself."
    )
    message = serializers.CharField()
    cost = serializers.IntegerField(min_value=0, help_text="DUST set aside for this job.")
    balance = serializers.IntegerField(min_value=0, help_text="DUST that can still be spent.")


class GenerationInfo(serializers.Serializer[Any]):
    """How the work goes."""

    generation_type = serializers.ChoiceField(GenerationType.choices)
    current_step = serializers.CharField(help_text="A few words for people.")
    queue_position = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="How many jobs come first; null once it was started."
    )
    estimated_remaining_seconds = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="Null once the job has ended."
    )
    model_used = serializers.CharField(help_text="The one that was ordered, or that it fell back to.")


class JobFields(serializers.Serializer[Any]):
    """Where a job stands."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(
        Status.choices, help_text="`completed`, `failed` and `cancelled` are final."
    )
    progress = serializers.FloatField(
        min_value=0,
        max_value=1,
        help_text="The share done; it only falls if the work is begun anew, to 0.",
    )
    generation_info = GenerationInfo()
    cost = serializers.IntegerField(min_value=0, help_text="DUST.")
    dust = serializers.ChoiceField(Dust.choices, help_text="What happened to the DUST.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True, help_text="When the job ended, however it did.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until when the result is kept; null unless completed."
    )
    error = serializers.CharField(required=False, help_text="For the end user; of a failed job only.")
    error_code = serializers.ChoiceField(
        FailureCode.choices, required=False, help_text="Of a failed job only."
    )


class JobStatusAnswer(JobFields, Body):
    """Where a job stands."""


class ListedJob(JobFields):
    """Where a job stands, and what was asked for."""

    prompt = serializers.CharField()
    duration = serializers.ChoiceField(Duration.choices)
    resolution = serializers.ChoiceField(Resolution.choices)
    aspect_ratio = serializers.CharField(
        help_text="As it was asked for; empty for an animate, where the picture sets the shape."
    )
    camera_fixed = serializers.BooleanField()
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    metadata = FreeForm()


class JobList(Body):
    """One page of the caller's jobs, newest first."""

    jobs = ListedJob(many=True)
    pagination = PaginationSerializer()


class ActiveJob(serializers.Serializer[Any]):
    """An unfinished job."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(ACTIVE)
    progress = serializers.FloatField(min_value=0, max_value=1)
    generation_type = serializers.ChoiceField(GenerationType.choices)
    prompt = serializers.CharField()
    created_at = serializers.DateTimeField()
    estimated_completion_seconds = serializers.IntegerField(min_value=1, help_text="From now on.")
    queue_position = serializers.IntegerField(min_value=0, allow_null=True)


class ActiveJobs(Body):
    """All unfinished jobs of the caller, oldest first."""

    active_jobs = ActiveJob(many=True)
    count = serializers.IntegerField(min_value=0)


class ResultInfo(serializers.Serializer[Any]):
    """How the video was made."""

    model_used = serializers.CharField(help_text="The one that was ordered, or that it fell back to.")
    generation_time_ms = serializers.IntegerField(
        min_value=0, help_text="From the moment a worker took the job."
    )


class JobResult(Body):
    """A finished video."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices, help_text="Always `completed`.")
    video = VideoSerializer()
    generation_info = ResultInfo()


class JobUnfinished(Body):
    """There is no result yet."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(ACTIVE)
    message = serializers.CharField()


class JobCancelledAnswer(Body):
    """The job is cancelled."""

    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices, help_text="Always `cancelled`.")
    message = serializers.CharField()
    released = serializers.IntegerField(min_value=0, help_text="DUST that can be spent again.")


class ModelStatistics(serializers.Serializer[Any]):
    """One model's last 24 hours."""

    model = serializers.CharField()
    jobs_24h = serializers.IntegerField(min_value=0)
    p50_seconds = serializers.FloatField(min_value=0, allow_null=True)
    p95_seconds = serializers.FloatField(min_value=0, allow_null=True)


class Statistics(serializers.Serializer[Any]):
    """The installation's own numbers, at most a few seconds old. No user's data is in them."""

    is_running = serializers.BooleanField(help_text="Whether a worker has given a sign of life lately.")
    jobs_processed = serializers.IntegerField(min_value=0, help_text="Completed or failed.")
    jobs_queued = serializers.IntegerField(min_value=0)
    jobs_in_progress = serializers.IntegerField(min_value=0, help_text="Starting or processing.")
    last_job_completed_at = serializers.DateTimeField(allow_null=True)
    average_processing_time_seconds = serializers.FloatField(min_value=0, allow_null=True)
    workers = serializers.IntegerField(min_value=0)
    success_rate_24h = serializers.FloatField(min_value=0, max_value=1, allow_null=True)
    models = ModelStatistics(many=True)


class Model(serializers.Serializer[Any]):
    """What one model can do, and for how much."""

    model = serializers.CharField(help_text="The alias to send as `model`.")
    title = serializers.CharField()
    generation_types = serializers.ListField(child=serializers.ChoiceField(GenerationType.choices))
    durations = serializers.ListField(child=serializers.ChoiceField(Duration.choices))
    resolutions = serializers.ListField(child=serializers.ChoiceField(Resolution.choices))
    aspect_ratios = serializers.ListField(child=serializers.ChoiceField(AspectRatio.choices))
    prices = Prices()
    typical_seconds = serializers.IntegerField(
        min_value=1, help_text="For the plainest request, from this installation's own history."
    )
    cancellable_while_running = serializers.BooleanField(
        help_text="Whether `DELETE` may also be tried while the video is being made; queued, it always may."
    )


class Quote(serializers.Serializer[Any]):
    """What a submit would cost and take now."""

    cost = serializers.IntegerField(min_value=0, help_text="DUST.")
    estimated_completion_seconds = serializers.IntegerField(min_value=1)
    available = serializers.IntegerField(help_text="DUST that the caller can spend.")


class InsufficientDustProblem(Problem):
    """The caller can't pay for this."""

    current_balance = serializers.IntegerField(help_text="DUST that can be spent.")
    required_amount = serializers.IntegerField(help_text="DUST that this costs.")


class NotCancellableProblem(Problem):
    """The job is past the point where it could be cancelled."""

    job_status = serializers.ChoiceField(Status.choices)


class NoResultProblem(Problem):
    """The job ended without a video."""

    job_id = serializers.UUIDField()
    job_status = serializers.ChoiceField(Status.choices)
    failure_code = serializers.ChoiceField(FailureCode.choices, required=False, help_text="Of a failed job.")
    dust = serializers.ChoiceField(Dust.choices, required=False, help_text="Of a failed job.")


class ResultGoneProblem(Problem):
    """There was a video, and this result does not lead to it any more."""

    job_id = serializers.UUIDField()
    job_status = serializers.ChoiceField(Status.choices)
    expired_at = serializers.DateTimeField(required=False, help_text="Of an expired result.")


class TooManyRequestsProblem(Problem):
    """Come back later."""

    limit = serializers.IntegerField(required=False, help_text="How many of them one user may have.")
